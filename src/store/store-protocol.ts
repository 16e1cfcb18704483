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
  /** Kept open, and answered when there is something to tell: {@link News}. */
  WATCH: 'watch',
  /** {@link Report}; answered with nothing. */
  REPORT: 'report',
  /** A list of {@link Proposal}; answered with a {@link ProposalAnswer}. */
  PROPOSE: 'propose',
  /** The index uses nothing any more that has an end. Answered with nothing. */
  DETACH: 'detach',
} as const;

/** How a store presents itself. */
export type Greeting = {
  /**
   * Milliseconds that a version may be used since it was last known to be right, where nothing tells of
   * changes.
   */
  readonly maxStale: number;
  /** Bytes, that bound what an index keeps. */
  readonly budget: number;
  /** Whether nothing is used beyond its end, also when the owner is gone. */
  readonly ends?: boolean;
  /** Of a proxy's: in whose requests Forwarded and X-Forwarded-* name what is kept. */
  readonly trustForwarded?: boolean | readonly string[];
};

/** How a store presents itself, as it came. @throws ERR_IOLITE_PROTOCOL when that is something else */
export function greetingOf({ head, body }: Message): Greeting {
  body?.release();
  const { maxStale, budget } = (head ?? {}) as Partial<Greeting>;
  if (typeof maxStale !== 'number' || typeof budget !== 'number' || !(maxStale >= 0 && budget >= 0))
    throw new IoliteError('ERR_IOLITE_PROTOCOL', 'Cannot attach: the answer of the cache is malformed');
  return head as unknown as Greeting;
}

/** A question for what is under a key. */
export type ReadRequest = {
  readonly key: string;
  /** The serial of the version that is held already. */
  readonly have?: number;
  /**
   * What is answered is to have been seen later than this, by the machine's monotonic clock: when the key was
   * invalidated, or when something else was held that came from another store.
   */
  readonly since?: number;
};

/** What a domain has from elsewhere, its bytes, and how often it was used since it was proposed last. */
export type Proposal = readonly [key: string, size: number, uses: number];

/** Which of those proposed, by their places, are worth being asked for. */
export type ProposalAnswer = { readonly admitted: readonly number[] };

/** What happened to an index since its last report. */
export type Report = {
  /** Versions that were used, and how often. */
  readonly used: readonly (readonly [serial: number, times: number])[];
  /** Versions that the index has dropped by itself. */
  readonly forgot: readonly number[];
  /**
   * Versions that somebody there has begun to hold, and those that nobody holds any more but the index. What
   * was given a moment ago counts as held until it is said not to be.
   */
  readonly held: readonly number[];
  readonly freed: readonly number[];
};

/** A version that has left its store, and whether its entry is still there with another one. */
export type Departure = readonly [key: string, serial: number, stays?: boolean];

/** What the owner tells. */
export type News = {
  /** Versions that have left the store: the last one of each key. */
  readonly left?: readonly Departure[];
  /** Terms that end at another time than was said. */
  readonly terms?: readonly (readonly [id: number, until: number])[];
  /** Its budget, if that is another one now. */
  readonly budget?: number;
  /** Whether the store is closed. */
  readonly closed?: boolean;
  /** Whether the owner goes on without this index, which is to use nothing any more and to say so. */
  readonly over?: boolean;
};

/** A version, as it is sent: facts in the head, content and forms one behind the other as body. */
export type VersionHead<F extends ContentFacts = ContentFacts> = {
  readonly serial: number;
  readonly facts: F;
  /** Name and length of each part; the content's name is empty. */
  readonly parts: readonly (readonly [name: string, length: number])[];
  /** Until when it may be used without a question, by the machine's monotonic clock. */
  readonly until: number;
  /** Names the {@link Term} that it shares with others; 0: none, and `until` stands. */
  readonly term: number;
  /** Whether the store keeps it, so that the index may keep it too. */
  readonly keep: boolean;
  /** Whether the owner keeps something for those who hold it, until it is reported as forgotten. */
  readonly pinned: boolean;
};

/** A version as a message. */
export function encodeVersion<F extends ContentFacts>(
  held: StoredVersion<F>,
  { until, term, keep }: Pick<VersionHead, 'until' | 'term' | 'keep'>,
): Message {
  const { serial, facts, forms } = held;
  const content = held.shareContent();
  const contents = [...(content === undefined ? [] : [['', content] as const]), ...forms];
  const head: VersionHead = {
    serial,
    facts,
    parts: contents.map(([name, { length }]) => [name, length]),
    until,
    term,
    keep,
    pinned: held.onEnd !== undefined,
  };
  for (const form of forms.values()) content?.append(form);
  return { head: head as unknown as Json, body: content ?? Aggregate.concat([...forms.values()]) };
}

/** Whether the facts of a version are what they have to be, whoever sent them. */
export type FactsCheck = (facts: ContentFacts) => boolean;

/**
 * A version out of a message, whose body it takes over.
 * @throws ERR_IOLITE_PROTOCOL when it is none, or its facts are not what they have to be
 */
export function decodeVersion<F extends ContentFacts>(
  key: string,
  { head, body }: Message,
  areFacts: FactsCheck,
): StoredVersion<F> {
  const rest = body ?? Aggregate.empty();
  try {
    const { serial, facts, parts, until, term } = head as unknown as VersionHead<F>;
    if (!Number.isSafeInteger(serial) || typeof until !== 'number' || typeof term !== 'number')
      throw new Error('numbers of its are missing');
    if (typeof facts !== 'object' || facts === null || !areFacts(facts))
      throw new Error('its facts are others');
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

/** What a question fails with that is answered with 'the same' where nothing was said to be held. */
export function sameAsNothing(key: string): IoliteError {
  return new IoliteError(
    'ERR_IOLITE_PROTOCOL',
    `Cannot read ${key}: the owner of the cache says that it is the same as here, where nothing is`,
  );
}
