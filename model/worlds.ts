import type { Broken, World } from './layout.ts';

const [A, B, C] = [0, 1, 2];
const TO_B = { from: A, to: B };
const TO_C = { from: A, to: C };
const ON_TO_C = { from: B, to: C };
const BACK_TO_A = { from: B, to: A };

const small = { chunks: 1, generations: 2, window: 1 };
const audiences = [(1 << B) | (1 << C), 1 << B];

/** What is checked, by what is special about it. Each death may come at every point of all of them. */
export const WORLDS = {
  'two domains, three generations': {
    ...{ domains: 2, chunks: 1, generations: 3, window: 2 },
    ...{ audiences: [1 << B], routes: [TO_B] },
  },
  'two domains, and back to the owner': {
    ...small,
    domains: 2,
    audiences: [1 << B],
    routes: [TO_B, BACK_TO_A],
  },
  'three in a row': { ...small, domains: 3, audiences, routes: [TO_B, ON_TO_C] },
  'two receivers': { ...small, domains: 3, audiences, routes: [TO_B, TO_C] },
  'two receivers of different users': { ...small, domains: 3, audiences: [], routes: [TO_B, TO_C] },
  'two chunks': { ...small, chunks: 2, domains: 2, audiences: [1 << B], routes: [TO_B] },
  'each to each': { ...small, domains: 3, audiences, routes: [TO_B, TO_C, ON_TO_C] },
} satisfies Record<string, World>;

/** Too large to be checked each time: three to four million states. */
export const LARGE_WORLDS = {
  'three in a circle': { ...small, domains: 3, audiences, routes: [TO_B, ON_TO_C, { from: C, to: A }] },
} satisfies Record<string, World>;

/** Each way to break the mechanism, and the smallest world that shows what comes of it. */
export const BROKEN: Readonly<Record<Broken, keyof typeof WORLDS>> = {
  'lease after the check': 'two domains, three generations',
  'recycling without the lock': 'two domains, three generations',
  'reference dropped at once': 'two domains, three generations',
  'no generations': 'two domains, three generations',
  'generation raised after the lock': 'two domains, three generations',
  'locks outlive their holder': 'two domains, three generations',
  'deaths go unnoticed': 'two domains, three generations',
  'no zeroing': 'two receivers of different users',
  'passed memory for another audience': 'two receivers',
};
