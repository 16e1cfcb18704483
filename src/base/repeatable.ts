/** Something that was said once, and may be said again for as long as nothing has changed. */
export interface Repeatable {
  /**
   * Asked each time before it is said again, which it counts as a use. If it may, the memory of what was said
   * is as it was, until the caller returns to the event loop. It makes no garbage and no call of the system.
   */
  mayRepeat(): boolean;
}
