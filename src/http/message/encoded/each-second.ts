/**
 * Something made of the date, which has no parts of seconds: made anew when it is asked for in another second
 * than before. A timer tells of the second's end: to look at the clock for each answer would cost more.
 */
export class EachSecond<T> {
  readonly #make: (date: string) => T;
  #made: T | undefined;

  /** @param make of the date as HTTP writes it (RFC 9110, 5.6.7) */
  constructor(make: (date: string) => T) {
    this.#make = make;
  }

  get value(): T {
    return this.#made ?? this.#turn();
  }

  #turn(): T {
    const now = Date.now();
    const made = this.#make(new Date(now).toUTCString());
    this.#made = made;
    setTimeout(
      () => {
        this.#made = undefined;
      },
      1000 - (now % 1000),
    ).unref();
    return made;
  }
}
