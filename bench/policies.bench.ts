/**
 * Replacement policies on synthetic traces, as `iolite bench cache --synthetic` replays them: one in which
 * popularity is all, and one in which a third of the requests are for files that are read once. Each policy
 * beside LRU, and the default one beside the best of the others at the same. In per cent, the same on every
 * machine. Budgets are parts of the files that are read again and again.
 */
import { comparePolicies } from '../src/cli/bench/compare-policies.ts';
import { syntheticTrace } from '../src/cli/bench/trace/synthetic.ts';
import { DEFAULT_POLICY, POLICY_NAMES } from '../src/store/policies/index.ts';
import { type Result, report } from './harness.ts';

const SHARES = [1, 5, 10, 20];
const LOAD = { requests: 1_000_000, objects: 40_000, alpha: 0.9, seed: 1 };

const zipf = syntheticTrace(LOAD);
const budgets = SHARES.map(share => ({ bytes: Math.floor((zipf.distinctBytes * share) / 100) }));
const tables = [
  { trace: 'Zipf', rows: comparePolicies(zipf, budgets) },
  { trace: 'a third read once', rows: comparePolicies(syntheticTrace({ ...LOAD, once: 1 / 3 }), budgets) },
];

const results: Result[] = [];
for (const { trace, rows } of tables) {
  for (const measure of ['hitRatio', 'byteHitRatio'] as const) {
    for (const [i, { ratios }] of rows.entries()) {
      const what = measure === 'hitRatio' ? 'hit ratio' : 'byte hit ratio';
      const add = (policy: (typeof POLICY_NAMES)[number], peerName: (typeof POLICY_NAMES)[number]): void => {
        const [ours, peer] = [ratios[policy][measure] * 100, ratios[peerName][measure] * 100];
        const name = `${trace}: ${what} of ${policy}, budget ${SHARES[i]} % of the files`;
        results.push({ name, ours, peer, peerName, unit: '%', ratio: ours / peer });
      };
      for (const policy of POLICY_NAMES) if (policy !== 'lru') add(policy, 'lru');
      const others = POLICY_NAMES.filter(name => name !== DEFAULT_POLICY && name !== 'lru');
      add(
        DEFAULT_POLICY,
        others.reduce((a, b) => (ratios[b][measure] > ratios[a][measure] ? b : a)),
      );
    }
  }
}
report('policies', results);
