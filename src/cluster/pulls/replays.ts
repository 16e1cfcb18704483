/** Pulls of one machine that may overtake each other. */
const WINDOW_PULLS = 4096;
/** Machines that are remembered, each time that they join. */
const MAX_SENDERS = 10_000;

interface Sender {
  highest: number;
  readonly seen: Set<number>;
}

/**
 * Tells what came before: each machine counts what it asks. What is older than some thousands of pulls counts
 * as seen. No clock is needed for it: a pull is for one life of one machine, and it ends with that.
 */
export class Replays {
  readonly #senders = new Map<string, Sender>();

  /** Whether a machine's pull is the first with this number. Takes it down. */
  isNew(sender: string, count: number): boolean {
    const known = this.#senders.get(sender) ?? this.#add(sender);
    if (count <= known.highest - WINDOW_PULLS || known.seen.has(count)) return false;
    known.seen.add(count);
    if (count > known.highest) known.highest = count;
    // In amounts, as a look at each number at each pull would cost more than the memory.
    if (known.seen.size > 2 * WINDOW_PULLS)
      for (const each of known.seen) if (each <= known.highest - WINDOW_PULLS) known.seen.delete(each);
    return true;
  }

  #add(sender: string): Sender {
    const added = { highest: 0, seen: new Set<number>() };
    this.#senders.set(sender, added);
    const [oldest] = this.#senders.keys();
    if (this.#senders.size > MAX_SENDERS) this.#senders.delete(oldest as string);
    return added;
  }
}
