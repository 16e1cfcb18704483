import type { MessageContent } from './message-content.ts';
import type { IncomingStream } from './stream/incoming-stream.ts';

/**
 * What a channel carries: a small structured head, copied as JSON, and an aggregate, passed by reference.
 * The body of a message that was received belongs to the receiver, who releases it.
 */
export interface Message extends MessageContent {
  /** Of a message that the peer sent with sendStream(). To send one yourself, call that. */
  readonly stream?: IncomingStream;
}
