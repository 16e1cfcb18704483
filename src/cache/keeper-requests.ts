/**
 * What an attached domain asks of the keeper, besides what its index asks of the store: requests whose head
 * has one of these as its type.
 */
export const KeeperRequest = {
  /**
   * Who it is, before all else: a channel that the same member came by before does nothing from then on, be
   * something under way in it. Answered with nothing.
   */
  JOIN: 'keeper.join',
  /** Answered with whether it is kept. Its body is the content. */
  SET: 'keeper.set',
  /** Answered with how many values there were. */
  INVALIDATE: 'keeper.invalidate',
  /** Answered when it is known who makes the value. */
  CLAIM: 'keeper.claim',
  FAIL: 'keeper.fail',
  /** Answered with a body: keys and lengths as JSON. */
  KEYS: 'keeper.keys',
  STATS: 'keeper.stats',
  /** What a former owner has given out: answered with the places of those that are wanted. */
  OFFER: 'keeper.offer',
  /** One of those: its body is the content. */
  INHERIT: 'keeper.inherit',
  /**
   * What an owner that is about to go asks of one that is attached: to fetch what it has not at hand yet.
   * Answered when that is done.
   */
  TAKE_OVER: 'keeper.take-over',
} as const;

/** Most values in one offer. */
export const MAX_OFFERED_VALUES = 1000;
