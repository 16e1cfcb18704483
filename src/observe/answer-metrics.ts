/** What is counted of an answer: the report of a server is one. */
export interface ObservedAnswer {
  readonly status: number;
  /** Of the body, that were sent. */
  readonly bytes: number;
  /** Milliseconds; 0 where nobody wants times. */
  readonly duration: number;
}

/** Figures of one process; JSON, as they go to the process that shows them. */
export type AnswerFigures = {
  /** HTTP requests it has answered. */
  readonly requests: number;
  /** Answers that its log has no line of, for it could not be written. */
  readonly unlogged: number;
};

/** The figures of a process that has answered nothing. */
export const NO_FIGURES: AnswerFigures = { requests: 0, unlogged: 0 };

/**
 * Counts the answers of a process. It listens to a server by its shape, which needs no import from there. A
 * new metric is counted in {@link answered} and shown by {@link figures}: whoever passes them on passes it on
 * too.
 */
export class AnswerMetrics {
  /** Whether a duration is counted: two looks at the clock for each answer. */
  readonly wantsDuration = false;
  readonly #unlogged: () => number;
  #requests = 0;

  /** @param unlogged how many answers the log has no line of; default: none */
  constructor(unlogged: () => number = () => 0) {
    this.#unlogged = unlogged;
  }

  /** @param _answer valid during the call */
  answered(_answer: ObservedAnswer): void {
    this.#requests += 1;
  }

  figures(): AnswerFigures {
    return { requests: this.#requests, unlogged: this.#unlogged() };
  }
}

/** The figures that another process told; 0 for what it did not tell. */
export function figuresOf(told: unknown): AnswerFigures {
  const stated = (typeof told === 'object' && told !== null ? told : {}) as Record<string, unknown>;
  const names = Object.keys(NO_FIGURES) as (keyof AnswerFigures)[];
  const figures = names.map(name => [name, Number.isFinite(stated[name]) ? stated[name] : 0]);
  return Object.fromEntries(figures) as AnswerFigures;
}
