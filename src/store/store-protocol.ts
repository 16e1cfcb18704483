import { Aggregate } from '../aggregate/aggregate.ts';
import { IoliteError } from '../base/error.ts';
import type { Json } from '../base/json.ts';
import type { Message } from '../ipc/message.ts';
import { type ContentFacts, StoredVersion } from './stored-version.ts';

/**
 * What an index in one domain and the store in another say to each other: requests of the index, whose head
 * has a type, `<name of the store>.<one of these>`. So a channel can serve several stores, and an application
 * besides.
 */
export const StoreRequest = {
  /** Answered with what the owner says of the store: {@link Greeting}. */
  ATTACH: 'attach',
  /**
   * {@link ReadRequest}; answered with a {@link VersionHead}, or with `same` when the index has that version
   * already.
   */
  READ: 'read',
  /**
   * Kept open, and answered with {@link Departures} when versions were left or the store was resized or
   * closed.
   */
  WATCH: 'watch',
  /** {@link Report}; answered with when each of the versions that were used was last known to be right. */
  REPORT: 'report',
} as const;

/** How a store presents itself. */
export type Greeting = {
  /** Milliseconds that a version is used without a question whether it is right still. */
  readonly maxStale: number;
  /** Bytes, that bound what an index keeps. */
  readonly budget: number;
};

/** What has become of a store since its index was told last. */
export type Departures = {
  /** Versions that it no longer has. */
  readonly left?: readonly (readonly [key: string, serial: number])[];
  /** Its budget, if that is another one now. */
  readonly budget?: number;
  readonly closed?: true;
};

/** A question for what is under a key. */
export type ReadRequest = {
  readonly key: string;
  /** The serial of the version that is held already. */
  readonly have?: number;
  /** Something else is held that came from another store: what is answered must not be older. */
  readonly current?: boolean;
};

/** What happened to an index since its last report. */
export type Report = {
  /** Versions that were used, and how often. */
  readonly used: readonly (readonly [serial: number, times: number])[];
  /** Versions that the index has dropped by itself. */
  readonly forgot: readonly number[];
};

/** A version, as it is sent: facts in the head, content and forms one behind the other as body. */
export type VersionHead<F extends ContentFacts = ContentFacts> = {
  readonly serial: number;
  readonly facts: F;
  /** Name and length of each part; the content's name is empty. */
  readonly parts: readonly (readonly [name: string, length: number])[];
  /** When it was last known to be right, by the machine's monotonic clock. */
  readonly checkedAt: number;
  /** Whether the store keeps it, so that the index may keep it too. */
  readonly keep: boolean;
  /** Whether the owner keeps something for those who hold it, until it is reported as forgotten. */
  readonly pinned: boolean;
};

/** A version as a message. */
export function encodeVersion<F extends ContentFacts>(
  held: StoredVersion<F>,
  { checkedAt, keep }: { checkedAt: number; keep: boolean },
): Message {
  const { serial, facts, content, forms } = held;
  const contents = [...(content === undefined ? [] : [['', content] as const]), ...forms];
  const head: VersionHead = {
    serial,
    facts,
    parts: contents.map(([name, { length }]) => [name, length]),
    checkedAt,
    keep,
    pinned: held.onEnd !== undefined,
  };
  return { head: head as unknown as Json, body: Aggregate.concat(contents.map(([, part]) => part)) };
}

/** A version out of a message, whose body it takes over. @throws ERR_IOLITE_PROTOCOL */
export function decodeVersion<F extends ContentFacts>(
  key: string,
  { head, body }: Message,
): StoredVersion<F> {
  const rest = body ?? Aggregate.empty();
  try {
    const { serial, facts, parts } = head as unknown as VersionHead<F>;
    let content: Aggregate | undefined;
    let forms: Map<string, Aggregate> | undefined;
    let at = 0;
    for (const [name, length] of parts) {
      if (!(length >= 0) || at + length > rest.length) throw new Error('its parts are longer than its body');
      const part = rest.slice(at, at + length);
      at += length;
      if (name === '') {
        content = part;
      } else {
        forms ??= new Map();
        forms.set(name, part);
      }
    }
    return new StoredVersion<F>(key, serial, facts, content, forms);
  } catch (cause) {
    throw new IoliteError('ERR_IOLITE_PROTOCOL', `Cannot read ${key}: the answer of the cache is malformed`, {
      cause,
    });
  } finally {
    rest.release();
  }
}
