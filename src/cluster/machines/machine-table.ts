import { now } from '../../base/clock.ts';
import type { LogPosition } from '../../store/log/invalidation-log.ts';
import type { MachineEntry } from './machine-entry.ts';

/** An entry that is not renewed for so long leaves the bucket. */
export const ENTRY_LIFE_MS = 15_000;

/** A machine, as another one knows it. */
export interface KnownMachine {
  readonly name: string;
  /** What it has said last; undefined when only the log has told that it has joined. */
  readonly entry: MachineEntry | undefined;
  /** When something was heard of it, by {@link now}. */
  readonly heardAt: number;
}

/**
 * The machines of a cluster as one of them knows them: by their entries, by what they tell of what they have
 * carried out, and by the log, in which each says that it has joined. What is known is old by a message at
 * least.
 */
export class MachineTable {
  readonly #machines = new Map<string, KnownMachine>();
  readonly #listeners = new Set<() => void>();
  readonly #clock: () => number;

  /** @param clock for tests */
  constructor(clock = now) {
    this.#clock = clock;
  }

  /** An entry came, or one was looked at again. */
  saw(name: string, entry: MachineEntry): void {
    const before = this.#machines.get(name)?.entry;
    const isOlder =
      before?.epoch === entry.epoch && before.log === entry.log && before.applied > entry.applied;
    this.#set(name, isOlder ? { ...entry, applied: before.applied } : entry);
  }

  /** The log says that it has joined, before anything that it says from here on. */
  joined(name: string): void {
    if (!this.#machines.has(name)) this.#set(name, undefined);
  }

  /** A machine tells how far it has come, which is nothing new if another has its name by now. */
  told(name: string, epoch: string, { log, sequence }: LogPosition): void {
    const entry = this.#machines.get(name)?.entry;
    if (entry === undefined || entry.epoch !== epoch) return;
    if (entry.log === log && entry.applied >= sequence) return;
    this.#machines.set(name, { name, entry: { ...entry, log, applied: sequence }, heardAt: this.#clock() });
    this.#changed();
  }

  /** It has left, or its entry is gone. */
  left(name: string): void {
    if (this.#machines.delete(name)) this.#changed();
  }

  /** Those that live, as far as is known. */
  live(): KnownMachine[] {
    return [...this.#machines.values()].filter(machine => !this.isSilent(machine));
  }

  /** Whether so little was heard of a machine that its entry may be gone. */
  isSilent({ heardAt }: KnownMachine): boolean {
    return this.#clock() - heardAt >= ENTRY_LIFE_MS;
  }

  /** Those that have not said that they have carried out the log up to a position, be they silent or not. */
  behind({ log, sequence }: LogPosition): KnownMachine[] {
    return [...this.#machines.values()].filter(
      ({ entry }) => entry === undefined || entry.log !== log || entry.applied < sequence,
    );
  }

  /** Calls back when something has changed. @returns what ends that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #set(name: string, entry: MachineEntry | undefined): void {
    this.#machines.set(name, { name, entry, heardAt: this.#clock() });
    this.#changed();
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
