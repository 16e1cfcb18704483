import { POLICY_NAMES } from '../../store/policies/index.ts';
import { type BudgetRow, type Ratios, replay } from './compare-policies.ts';
import type { Trace } from './trace/trace.ts';

/** What a trace is, in words. */
export function summaryOf(trace: Trace, skippedLines: number): string {
  const best = replay(trace, 'lru', Number.MAX_SAFE_INTEGER);
  const requests = `${count(trace.files.length)} requests for ${count(new Set(trace.files).size)} files`;
  const hits = `${percent(best.hitRatio)} would be hits (${percent(best.byteHitRatio)} of the bytes)`;
  const skipped = skippedLines === 0 ? '' : `${count(skippedLines)} lines tell of no file that was read\n`;
  return `${requests} of ${size(trace.distinctBytes)}; with room for all, ${hits}\n${skipped}`;
}

/** What the policies did, a line for each budget. */
export function tableOf(trace: Trace, rows: readonly BudgetRow[]): string {
  const share = (budget: number): string => percent(budget / Math.max(1, trace.distinctBytes));
  const ofPolicies = (measure: keyof Ratios): string[][] =>
    POLICY_NAMES.map(policy => [policy, ...rows.map(({ ratios }) => percent(ratios[policy][measure]))]);
  const blocks = [
    block('', [
      ['budget', ...rows.map(({ budget }) => size(budget))],
      ['of all', ...rows.map(({ budget }) => share(budget))],
    ]),
    block('hit ratio', ofPolicies('hitRatio')),
    block('byte hit ratio', ofPolicies('byteHitRatio')),
  ];
  return sideBySide(blocks, '   ').replace(/ +$/gm, '');
}

/** Columns under a title, as lines of one width. */
function block(title: string, columns: readonly (readonly string[])[]): string[] {
  const lines = sideBySide(columns.map(alignRight), '  ').trimEnd().split('\n');
  return [title.padEnd(lines[0]?.length ?? 0), ...lines];
}

function alignRight(cells: readonly string[]): string[] {
  const width = Math.max(...cells.map(cell => cell.length));
  return cells.map(cell => cell.padStart(width));
}

function sideBySide(columns: readonly (readonly string[])[], gap: string): string {
  const [first = []] = columns;
  return first.map((_, line) => `${columns.map(column => column[line]).join(gap)}\n`).join('');
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}

function size(bytes: number): string {
  for (const [unit, each] of [
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
  ] as const) {
    if (bytes >= each) return `${(bytes / each).toFixed(1)} ${unit}`;
  }
  return `${bytes} B`;
}
