import { POLICY_NAMES } from '../file/policies/index.ts';
import { type BudgetRow, replay } from './compare-policies.ts';
import type { Trace } from './trace/trace.ts';

/** What a trace is, and a table of what was found. */
export function tableOf(trace: Trace, skippedLines: number, rows: readonly BudgetRow[]): string {
  const best = replay(trace, 'lru', Number.MAX_SAFE_INTEGER);
  const files = new Set(trace.files).size;
  const summary =
    `${count(trace.files.length)} requests for ${count(files)} files of ${size(trace.distinctBytes)}; ` +
    `with room for all, ${percent(best.hitRatio)} would be hits (${percent(best.byteHitRatio)} of the bytes)\n` +
    (skippedLines === 0 ? '' : `${count(skippedLines)} lines tell of no file that was read\n`);
  const share = (budget: number): string => percent(budget / Math.max(1, trace.distinctBytes));
  const columns = [
    ['budget', ...rows.map(({ budget }) => size(budget))],
    ['of all', ...rows.map(({ budget }) => share(budget))],
    ...POLICY_NAMES.map(policy => [policy, ...rows.map(({ ratios }) => percent(ratios[policy].hitRatio))]),
    ...POLICY_NAMES.map(policy => [
      policy,
      ...rows.map(({ ratios }) => percent(ratios[policy].byteHitRatio)),
    ]),
  ].map(aligned);
  const [first = []] = columns;
  const lines = first.map((_, line) => columns.map(column => column[line]).join('  '));
  const indent = ' '.repeat((columns[0]?.[0]?.length ?? 0) + (columns[1]?.[0]?.length ?? 0) + 4);
  const groupWidth = POLICY_NAMES.reduce((sum, _, i) => sum + (columns[2 + i]?.[0]?.length ?? 0) + 2, 0);
  return `${summary}\n${indent}${'hit ratio'.padEnd(groupWidth)}byte hit ratio\n${lines.join('\n')}\n`;
}

function aligned(cells: readonly string[]): string[] {
  const width = Math.max(...cells.map(cell => cell.length));
  return cells.map(cell => cell.padStart(width));
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}

function size(bytes: number): string {
  const [unit = '', divisor = 1] = (
    [
      ['GiB', 1024 ** 3],
      ['MiB', 1024 ** 2],
      ['KiB', 1024],
    ] as const
  ).find(([, each]) => bytes >= each) ?? ['B', 1];
  return `${(bytes / divisor).toFixed(divisor === 1 ? 0 : 1)} ${unit}`;
}
