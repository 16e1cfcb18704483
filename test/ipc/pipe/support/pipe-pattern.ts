/** How a stage of a pipeline behaves: see children/pipe-stage.ts. */
export interface StageOptions {
  readonly upgradeAfter?: number;
  /** Bytes to produce, and how many at a time. */
  readonly bytes?: number;
  readonly piece?: number;
  /** A named pipe, in place of the standard stream. */
  readonly path?: string;
  /** Whether pieces have slices of one byte; lie on the heap. */
  readonly short?: boolean;
  readonly heap?: boolean;
  /** Whether it kills itself when all is written; ends the output then. */
  readonly dies?: boolean;
  readonly ends?: boolean;
  /** Whether it tells of its output on stderr. */
  readonly tells?: boolean;
  /** After how many bytes a consumer stops; whether it says '.' for each aggregate. */
  readonly most?: number;
  readonly says?: boolean;
}

/** After so many bytes what is produced repeats itself. */
export const PERIOD_BYTES = 1_048_573;
/** Longest piece of the pattern that can be looked at. */
const MAX_PIECE_BYTES = 4 * 1024 ** 2;

/** What is produced, over and over, and more of it: to be compared at any position. */
export const PATTERN = Buffer.alloc(PERIOD_BYTES + MAX_PIECE_BYTES);
for (let i = 0, x = 1; i < PATTERN.length; i++) {
  if (i % PERIOD_BYTES === 0) x = 1;
  x = (x * 69_069 + 1) >>> 0;
  PATTERN[i] = x >>> 24;
}
