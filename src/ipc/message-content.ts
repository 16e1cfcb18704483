import type { Aggregate } from '../aggregate/aggregate.ts';
import type { Content } from '../aggregate/byte-sequence.ts';
import type { Json } from '../base/json.ts';

/** What every message has, whatever it is for. */
export interface MessageContent {
  /** Small and structured, copied as JSON. */
  readonly head?: Json;
  /** Passed by reference. */
  readonly body?: Aggregate;
}

/** What is given to be sent. */
export interface MessageToSend {
  /** Small and structured, copied as JSON. */
  readonly head?: Json;
  /**
   * An aggregate is passed by reference. A string (as utf8) and bytes are copied once, into shared memory
   * that processes of the same user may be given; for a peer of another, make it in a pool whose `acl` admits
   * that.
   */
  readonly body?: Content | undefined;
}
