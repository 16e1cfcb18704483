import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Facts } from './response-facts.ts';

/** Something that is stored. */
export interface Stored {
  readonly facts: Facts;
  /** The caller's to release. */
  readonly content: Aggregate;
}

/** Where responses are kept. Nothing that was put is certain to be found again. */
export interface ResponseStore {
  /** Most bytes of one content. */
  readonly largest: number;
  /** What is known of a key, without its content. Counts as a use. */
  look(key: string): Facts | undefined;
  get(key: string): Stored | undefined;
  /** Keeps facts and content in the place of what is there. The content stays the caller's. */
  put(key: string, facts: Facts, content: Aggregate): void;
  /** Exchanges the facts of what is there, if its facts are those given. */
  renew(key: string, from: Facts, to: Facts): void;
  remove(key: string): void;
}
