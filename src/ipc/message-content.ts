import type { Aggregate } from '../aggregate/aggregate.ts';
import type { Json } from '../base/json.ts';

/** What every message has, whatever it is for. */
export interface MessageContent {
  /** Small and structured, copied as JSON. */
  readonly head?: Json;
  /** Passed by reference. */
  readonly body?: Aggregate;
}
