/** Something that was said once, and may be said again for as long as nothing has changed. */
export interface Repeatable {
  /**
   * Asked each time before it is said again, which it counts as a use. If it may, the memory of what was said
   * is as it was, until the caller returns to the event loop. It makes no garbage and no call of the system.
   */
  mayRepeat(): boolean;
  /**
   * Brings what was said up to date, in the memory where it is kept: after {@link mayRepeat} said that it may
   * be repeated, and in as many bytes as it had. Missing where nothing of it changes.
   * @param memory which has it from `start` to `end`
   */
  renew?(memory: Buffer, start: number, end: number): void;
  /**
   * A slice with all that was said but a head, as long as it may be repeated. Missing where that does not
   * lie in one piece, or is not at hand.
   */
  readonly slice?: unknown;
}

/** What is right for good. */
export const ALWAYS_REPEATABLE: Repeatable = { mayRepeat: () => true };

/** @returns what may be repeated as long as both may, and is brought up to date as the second is */
export function repeatableWhile(condition: Repeatable, repeatable: Repeatable): Repeatable {
  if (condition === ALWAYS_REPEATABLE) return repeatable;
  const both: Repeatable = {
    mayRepeat: () => condition.mayRepeat() && repeatable.mayRepeat(),
    get slice() {
      return repeatable.slice;
    },
  };
  if (repeatable.renew === undefined) return both;
  both.renew = (memory, start, end) => repeatable.renew?.(memory, start, end);
  return both;
}
