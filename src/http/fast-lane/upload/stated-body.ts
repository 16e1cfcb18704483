/** How long the body of a request is, as its head says (RFC 9112, 6). */
export interface StatedBody {
  /** In bytes, more than none; undefined where it comes in chunks. */
  readonly length: number | undefined;
  /** Whether the client waits to be told to send it (RFC 9110, 10.1.1). */
  readonly isExpected: boolean;
}
