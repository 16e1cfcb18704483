/** A place in a log of invalidations. */
export interface LogPosition {
  /** Names the log: another one has other sequences. */
  readonly log: string;
  /** The place in it: the first is 1. */
  readonly sequence: number;
}

/** What is no more right: by lists of names, and how. As JSON. */
export type LogSelector = { readonly [name: string]: readonly string[] | string };

/** A store of this machine, as a log of invalidations sees it. */
export interface LogFollower {
  /**
   * Has what is named forgotten. When it resolves nothing of it is used here any more.
   * @throws where that is not certain: it is called again
   */
  carryOut(selector: LogSelector): Promise<unknown>;
  /** Has all that is stored validated before it is used: nobody knows what was missed. @throws as above */
  distrust(): Promise<unknown>;
  /**
   * Until when, by the machine's monotonic clock, what is stored may be used without a question. It is told
   * each second; 0: not at all, from now on.
   */
  trust(until: number): void;
}

/**
 * A log that tells the stores of several machines what is no more right: in one order, with nothing left out.
 */
export interface InvalidationLog {
  /** Up to where it is carried out here. */
  readonly applied: LogPosition;
  /** As of {@link LogFollower.trust}; 0 while this machine is cut off from the others. */
  readonly trustedUntil: number;
  /**
   * Tells all machines. @param topic whose followers are meant
   * @returns when a majority has it @throws ERR_IOLITE_CLUSTER, ERR_IOLITE_CLOSED, ERR_IOLITE_LIMIT
   */
  tell(topic: string, selector: LogSelector): Promise<LogPosition>;
  /** When what the log says up to a position is carried out on this machine. @throws ERR_IOLITE_CLOSED */
  appliedHere(position: LogPosition, signal?: AbortSignal): Promise<void>;
  /** Has a follower called from now on. @returns what ends that @throws ERR_IOLITE_CLOSED */
  follow(topic: string, follower: LogFollower): () => void;
}
