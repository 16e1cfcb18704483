import { CacheSimulation } from '../../store/policies/cache-simulation.ts';
import { POLICY_NAMES, type PolicyName } from '../../store/policies/index.ts';
import type { Trace } from './trace/trace.ts';

/** As a part of the bytes of all files of a trace, or in bytes. */
export type Budget = { readonly percent: number } | { readonly bytes: number };

/** What one policy answered from memory: parts from 0 to 1. */
export interface Ratios {
  readonly hitRatio: number;
  readonly byteHitRatio: number;
}

/** What all policies did with one budget. */
export interface BudgetRow {
  /** In bytes. */
  readonly budget: number;
  readonly ratios: Readonly<Record<PolicyName, Ratios>>;
}

export const DEFAULT_BUDGETS: readonly Budget[] = [1, 5, 10, 20].map(percent => ({ percent }));

const UNITS: Record<string, number> = { '': 1, k: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** A budget as users write it: 5%, 4096, 64k, 1.5G. */
export function parseBudget(text: string): Budget | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(%|[kKMG]?)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const value = Number(digits);
  if (unit === '%') return { percent: value };
  const bytes = Math.floor(value * (UNITS[unit === 'K' ? 'k' : unit] as number));
  return Number.isSafeInteger(bytes) ? { bytes } : undefined;
}

/** Replays a trace once for each budget and policy. */
export function comparePolicies(trace: Trace, budgets: readonly Budget[]): BudgetRow[] {
  return budgets.map(each => {
    const budget = 'bytes' in each ? each.bytes : Math.floor((trace.distinctBytes * each.percent) / 100);
    const ratios = Object.fromEntries(POLICY_NAMES.map(policy => [policy, replay(trace, policy, budget)]));
    return { budget, ratios: ratios as Record<PolicyName, Ratios> };
  });
}

/** What a cache of this policy and budget answers from memory. */
export function replay({ names, files, sizes }: Trace, policy: PolicyName, budget: number): Ratios {
  const cache = new CacheSimulation({ policy, budget });
  for (let i = 0; i < files.length; i++) {
    cache.request(names[files[i] as number] as string, sizes[i] as number);
  }
  return { hitRatio: cache.hitRatio, byteHitRatio: cache.byteHitRatio };
}
