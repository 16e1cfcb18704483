/** What may follow each state of a channel. */
export const NEXT_STATES = {
  open: ['closing', 'closed'],
  closing: ['finished', 'closed'],
  finished: ['closed'],
  closed: [],
} as const satisfies Record<string, readonly string[]>;

export type ChannelState = keyof typeof NEXT_STATES;
