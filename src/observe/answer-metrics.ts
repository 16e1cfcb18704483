import { DurationHistogram } from './duration-histogram.ts';

/** By whom an answer is made and sent. */
export const LANES = ['lane', 'http2', 'node'] as const;
export type AnswerLane = (typeof LANES)[number];

/** Methods that are counted each by itself; all others are one. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'other'] as const;
const STATUSES = 600;

/** What is counted of an answer: the report of a server is one. */
export interface ObservedAnswer {
  /** Of the request. */
  readonly method: string;
  /** By whom it was made and sent. */
  readonly lane: AnswerLane;
  /** Of the answer. */
  readonly status: number;
  /** Of the body, that were sent. */
  readonly bytes: number;
  /** Milliseconds; 0 where nobody wants times. */
  readonly duration: number;
}

/** Figures of one process; JSON. */
export type AnswerFigures = {
  /** HTTP requests it has answered. */
  readonly requests: number;
  /** Answers that its log has no line of, for it could not be written. */
  readonly unlogged: number;
};

/** How many answers there were of a kind. */
export interface AnswerCount {
  /** By whom they were made and sent. */
  readonly lane: AnswerLane;
  /** Of their requests. */
  readonly method: string;
  /** Of theirs. */
  readonly status: number;
  /** How many. */
  readonly count: number;
}

/**
 * Counts the answers of a process. It listens to a server by its shape, which needs no import from there. A
 * new figure is counted in {@link answered}, and becomes a metric in `answer-readings.ts`.
 */
export class AnswerMetrics {
  /** Whether durations are counted: two looks at the clock for each answer. May change at any time. */
  wantsDuration: boolean;
  readonly #unlogged: () => number;
  /** By lane, method and status. */
  readonly #counts = new Float64Array(LANES.length * METHODS.length * STATUSES);
  readonly #durations = LANES.map(() => new DurationHistogram());
  #requests = 0;
  #bytes = 0;

  /**
   * @param unlogged how many answers the log has no line of; default: none
   * @param wantsDuration default false
   */
  constructor(unlogged: () => number = () => 0, wantsDuration = false) {
    this.#unlogged = unlogged;
    this.wantsDuration = wantsDuration;
  }

  /**
   * Counts an answer.
   * @param answer valid during the call
   */
  answered({ method, lane, status, bytes, duration }: ObservedAnswer): void {
    this.#requests += 1;
    this.#bytes += bytes;
    const way = LANES.indexOf(lane);
    const kind = (way * METHODS.length + methodIndex(method)) * STATUSES + (status % STATUSES);
    this.#counts[kind] = (this.#counts[kind] as number) + 1;
    if (this.wantsDuration && duration > 0) this.#durations[way]?.add(duration);
  }

  /** All that was counted so far. */
  figures(): AnswerFigures {
    return { requests: this.#requests, unlogged: this.#unlogged() };
  }

  /** Bytes of bodies that were sent. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Those that there were any of. Costs a walk over some thousand numbers. */
  counts(): readonly AnswerCount[] {
    const found: AnswerCount[] = [];
    for (const [kind, count] of this.#counts.entries()) {
      if (count === 0) continue;
      const way = Math.floor(kind / STATUSES);
      found.push({
        lane: LANES[Math.floor(way / METHODS.length)] as AnswerLane,
        method: METHODS[way % METHODS.length] as string,
        status: kind % STATUSES,
        count,
      });
    }
    return found;
  }

  /** How long answers took, by lane; empty where durations are not counted. */
  get durations(): ReadonlyMap<AnswerLane, DurationHistogram> {
    return new Map(LANES.map((lane, way) => [lane, this.#durations[way] as DurationHistogram]));
  }
}

function methodIndex(method: string): number {
  const index = METHODS.indexOf(method as (typeof METHODS)[number]);
  return index === -1 ? METHODS.length - 1 : index;
}
