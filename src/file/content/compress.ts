import { addAbortSignal, pipeline, Readable, type Transform } from 'node:stream';
import { constants, createBrotliCompress, createGzip } from 'node:zlib';
import type { Aggregate } from '../../aggregate/aggregate.ts';

/** Codings that every Node can make. */
export type MadeCoding = 'br' | 'gzip';

/** The level from which on gzip becomes slow: 17 ms a MiB of JavaScript, to 18.5 %. */
const GZIP_LEVEL = 6;
/** As fast as gzip, and smaller by a twelfth: 16 ms a MiB, to 17.1 %. (11: 1150 ms, to 14.4 %.) */
const BROTLI_LEVEL = 5;
/**
 * What a thread of libuv's pool, which file reads need as well, is asked to do at once: one or two
 * milliseconds.
 */
const STEP_BYTES = 64 * 1024;

export interface CompressOptions {
  /** Bytes that the result is to have at most. */
  readonly most: number;
  /** Ends the work with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Compresses content, outside of the event loop: about 20 ms a MiB in a thread of libuv's pool.
 * @returns the bytes, in ordinary memory, as nobody knows their number before the end; undefined as soon as
 *   they are more than `most`
 */
export async function compress(
  content: Aggregate,
  coding: MadeCoding,
  { most, signal }: CompressOptions,
): Promise<Buffer[] | undefined> {
  signal?.throwIfAborted();
  // A thread that reads on after an abort reads bytes of somebody else, or zeros, and nobody sees what it
  // makes of them.
  using held = content.duplicate();
  const compressor = compressorFor(coding, held.length);
  if (signal !== undefined) addAbortSignal(signal, compressor);
  // Errors come out of the iteration.
  pipeline(Readable.from(steps(held)), compressor, () => {});
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of compressor as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > most) return undefined;
      parts.push(part);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
  return parts;
}

function compressorFor(coding: MadeCoding, length: number): Transform {
  if (coding === 'gzip') return createGzip({ level: GZIP_LEVEL });
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = constants;
  return createBrotliCompress({
    params: { [BROTLI_PARAM_QUALITY]: BROTLI_LEVEL, [BROTLI_PARAM_SIZE_HINT]: length },
  });
}

function* steps(content: Aggregate): Generator<Uint8Array> {
  for (const view of content.memory()) {
    for (let start = 0; start < view.length; start += STEP_BYTES) {
      yield view.subarray(start, start + STEP_BYTES);
    }
  }
}
