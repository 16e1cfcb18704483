/** A failure that is the user's to mend: its message is all there is to say. */
export class UserError extends Error {
  /** All that is wrong, where several things are: the message is the first. */
  readonly faults: readonly string[];

  constructor(message: string, ...more: readonly string[]) {
    super(message);
    this.faults = [message, ...more];
  }
}
