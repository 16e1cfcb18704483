import type { InspectorStatus, LaneDurations, NamedFigure } from './inspector-status.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** What happened between two looks at a server, a second of it. */
export interface Rates {
  /** Seconds between the looks. */
  readonly seconds: number;
  readonly requests: number;
  readonly byStatus: readonly NamedFigure[];
  readonly byLane: readonly NamedFigure[];
  readonly bytes: number;
  /** Part of the reads that were answered from memory at hand, 0 to 1; undefined where there were none. */
  readonly hitPart: number | undefined;
  /** Seconds that so many answers took at most; undefined where there were none. */
  readonly p50: number | undefined;
  readonly p90: number | undefined;
  readonly p99: number | undefined;
}

/**
 * The rates between two looks. A process that has begun anew counts from 0 again: then what would be below 0
 * is 0.
 */
export function ratesBetween(before: InspectorStatus, now: InspectorStatus): Rates {
  const seconds = Math.max(0.001, (Date.parse(now.time) - Date.parse(before.time)) / 1000);
  const rate = (more: number): number => Math.max(0, more) / seconds;
  const by = (key: 'status' | 'lane'): NamedFigure[] => {
    const sums = new Map<string, number>();
    for (const [sign, { requests }] of [
      [1, now],
      [-1, before],
    ] as const) {
      for (const each of requests) {
        const name = key === 'status' ? `${each.status[0]}xx` : each.lane;
        sums.set(name, (sums.get(name) ?? 0) + sign * each.count);
      }
    }
    return [...sums].map(([name, value]) => ({ name, value: rate(value) }));
  };
  const byStatus = by('status');
  const hits = now.cache.hits - before.cache.hits;
  const reads = hits + now.cache.misses - before.cache.misses;
  const counts = countsBetween(before.durations, now.durations);
  return {
    seconds,
    requests: byStatus.reduce((sum, { value }) => sum + value, 0),
    byStatus,
    byLane: by('lane'),
    bytes: rate(now.bodyBytes - before.bodyBytes),
    hitPart: reads > 0 && hits >= 0 ? hits / reads : undefined,
    p50: percentileOf(counts, 0.5),
    p90: percentileOf(counts, 0.9),
    p99: percentileOf(counts, 0.99),
  };
}

/** Ends of ranges, in seconds, and how many lie in each. */
export type RangeCounts = readonly (readonly [end: number, count: number])[];

/** How many answers of all lanes took how long, between two looks. */
export function countsBetween(before: readonly LaneDurations[], now: readonly LaneDurations[]): RangeCounts {
  const sums = new Map<number, number>();
  for (const [sign, lanes] of [
    [1, now],
    [-1, before],
  ] as const) {
    for (const { buckets } of lanes) {
      let below = 0;
      for (const [end, count] of buckets) {
        const key = end ?? Number.POSITIVE_INFINITY;
        sums.set(key, (sums.get(key) ?? 0) + sign * (count - below));
        below = count;
      }
    }
  }
  return [...sums].map(([end, count]) => [end, Math.max(0, count)] as const).sort(([a], [b]) => a - b);
}

/**
 * What a part of all lies below, by how they lie in ranges: in between a range it is taken to grow evenly.
 * @param part 0 to 1
 */
export function percentileOf(counts: RangeCounts, part: number): number | undefined {
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  if (all === 0) return undefined;
  let [start, left] = [0, part * all];
  for (const [end, count] of counts) {
    if (left <= count && count > 0)
      return end === Number.POSITIVE_INFINITY ? start : start + ((end - start) * left) / count;
    left -= count;
    if (end !== Number.POSITIVE_INFINITY) start = end;
  }
  return start;
}

/** What bars of memory stand for. */
export interface BarScale {
  /** As long as there is room. */
  readonly bytes: number;
  /** What the bars that go on beyond it are said to be; undefined where none does. */
  readonly note: string | undefined;
}

/** Of the budget: less would be a hairline beside it. */
const SEEN_PART = 0.25;
/** Of the scale that is for what is used: so the longest bar is seen to end. */
const LONGEST_PART = 0.8;

/**
 * A scale on which what is used can be seen. Where the budget is far more, it ends a little after the longest
 * bar of what is used.
 * @param used bytes of the bars that are to be compared
 * @param budget bytes; none of what is used need be below it
 */
export function barScale(used: readonly number[], budget: number): BarScale {
  const most = Math.max(...used, 0);
  if (most === 0 || most > SEEN_PART * budget) return { bytes: Math.max(most, budget, 1), note: undefined };
  const bytes = most / LONGEST_PART;
  return { bytes, note: `Bars end at ${bytesText(bytes)}; the budget is ${bytesText(budget)}.` };
}

/** As people read it: `1.5 MiB`. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${UNITS[unit]}`;
}

/** `12,345`, and `1.23 M` from a million on. */
export function countText(count: number): string {
  if (count < 1e6) return Math.round(count).toLocaleString('en');
  return count < 1e9 ? `${(count / 1e6).toFixed(2)} M` : `${(count / 1e9).toFixed(2)} G`;
}

/** A short time: `350 µs`, `1.2 ms`, `3.4 s`. */
export function secondsText(seconds: number | undefined): string {
  if (seconds === undefined) return '–';
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
  return `${seconds.toFixed(1)} s`;
}

/** A long time: `12 s`, `3 min`, `5 h`, `2 d`. */
export function ageText(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.floor(ms / 1000)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  return ms < DAY_MS ? `${Math.floor(ms / HOUR_MS)} h` : `${Math.floor(ms / DAY_MS)} d`;
}

/** `99.3 %`. */
export function partText(part: number | undefined): string {
  return part === undefined ? '–' : `${(100 * part).toFixed(1)} %`;
}
