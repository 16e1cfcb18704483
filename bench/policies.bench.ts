/**
 * Replacement policies on a synthetic trace, as `iolite bench cache --synthetic` replays it: Greedy-Dual-Size
 * and S3-FIFO beside LRU. In per cent, the same on every machine. The IO-Lite paper's qualitative result,
 * that GDS answers more requests from memory than LRU, is one of the lines: it has to be above 1.
 */
import { comparePolicies, DEFAULT_BUDGETS } from '../src/cli/bench/compare-policies.ts';
import { syntheticTrace } from '../src/cli/bench/trace/synthetic.ts';
import { type Result, report } from './harness.ts';

const trace = syntheticTrace({ requests: 1_000_000, objects: 40_000, alpha: 0.9, seed: 1 });
const rows = comparePolicies(trace, DEFAULT_BUDGETS);

const results = (['gds', 's3fifo'] as const).flatMap(policy =>
  (['hitRatio', 'byteHitRatio'] as const).flatMap(measure =>
    rows.map(({ budget, ratios }): Result => {
      const share = Math.round((100 * budget) / trace.distinctBytes);
      const [ours, peer] = [ratios[policy][measure] * 100, ratios.lru[measure] * 100];
      const name =
        `${measure === 'hitRatio' ? 'hit ratio' : 'byte hit ratio'} of ${policy}, budget ${share} ` +
        '% of the files';
      return { name, ours, peer, peerName: 'lru', unit: '%', ratio: ours / peer };
    }),
  ),
);
report('policies', results);
