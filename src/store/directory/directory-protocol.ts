import type { Json } from '../../base/json.ts';

/**
 * What a domain that reads a directory asks of the one that writes it: requests whose head has a type,
 * `<name of the store>.<one of these>`.
 */
export const DirectoryRequest = {
  /** Answered with a {@link DirectoryGreeting}; its body is the directory, or there is none just now. */
  OPEN: 'open',
  /** What is under a `key`. Answered with a {@link FoundHead}; its body is the content. */
  READ: 'read',
  /** {@link DirectoryUses}. Answered with nothing. */
  USED: 'used',
  /** The other way round: another directory has taken the place of the one that was opened. */
  REPLACED: 'replaced',
} as const;

/** How a store with a directory presents itself. */
export type DirectoryGreeting = {
  /** Milliseconds that the directory may be used without hearing of its owner. */
  readonly maxStale: number;
};

/** What is known of a content. */
export type RecordFacts = {
  readonly kind: number;
  /** Null is for ever: JSON has no such number. */
  readonly facts: readonly (number | null)[];
  readonly note: string;
};

/** A version, as it is sent: its content is the body. */
export type FoundHead = RecordFacts & {
  readonly serial: number;
  /** What the chunks of its slices are called in the directory; 0: not at all. */
  readonly chunks: readonly number[];
};

/** Versions that were used, and how often. */
export type DirectoryUses = { readonly used: readonly (readonly [serial: number, times: number])[] };

/** Most uses in one message. */
export const MAX_REPORTED_USES = 4096;

export function typeOf(name: string, type: string): string {
  return `${name}.${type}`;
}

/** @param head of whoever sent it */
export function isFoundHead(head: Json | undefined): head is FoundHead {
  const { kind, facts, note, serial, chunks } = (head ?? {}) as Record<string, unknown>;
  const isNumber = (value: unknown): boolean => typeof value === 'number';
  return (
    [kind, serial].every(isNumber) &&
    typeof note === 'string' &&
    Array.isArray(facts) &&
    facts.every(fact => fact === null || isNumber(fact)) &&
    Array.isArray(chunks) &&
    chunks.every(isNumber)
  );
}

export function isDirectoryUses(head: unknown): head is DirectoryUses {
  const { used } = (head ?? {}) as Record<string, unknown>;
  return Array.isArray(used) && used.length <= MAX_REPORTED_USES && used.every(isUse);
}

function isUse(use: unknown): boolean {
  const [serial, times] = Array.isArray(use) ? (use as unknown[]) : [];
  return Number.isSafeInteger(serial) && Number.isSafeInteger(times) && (times as number) > 0;
}
