/** A term that has no end: of what cannot become wrong. */
export const ALWAYS = Number.MAX_SAFE_INTEGER;

let terms = 0;

/**
 * Until when versions may be used without a question whether they are right. Versions that are confirmed
 * together, as the files of a directory are, share one: so to confirm thousands takes one number, here and in
 * all domains that they were given to.
 */
export class Term {
  /** Names it among all of this process. */
  readonly id: number;
  /** By {@link now}. 0: not at all. */
  until = 0;

  constructor() {
    terms += 1;
    this.id = terms;
  }
}
