/** What is counted. All of it only rises. */
const COUNTS = [
  'bytesVerified',
  'payloads',
  'messages',
  'forwarded',
  'requests',
  'streams',
  'connections',
  'full',
  'exhausted',
  'lost',
] as const;
export type Count = (typeof COUNTS)[number] | `${string}:${string}`;

/** Counters by name, those that belong together as `requests:h2`. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(name: Count, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  of(name: Count): number {
    return this.#counts.get(name) ?? 0;
  }

  /** All that was counted under a name that begins so, by the rest of it. */
  family(prefix: string): [string, number][] {
    return [...this.#counts]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, count]): [string, number] => [name.slice(prefix.length), count])
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** What was counted since it was taken last. Undefined when that is nothing. */
  take(): Record<string, number> | undefined {
    if (this.#counts.size === 0) return undefined;
    const taken = Object.fromEntries(this.#counts);
    this.#counts.clear();
    return taken;
  }

  merge(counts: Readonly<Record<string, number>>): void {
    for (const [name, count] of Object.entries(counts)) this.add(name as Count, count);
  }
}
