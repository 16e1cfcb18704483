import { Aggregate } from '../../aggregate/aggregate.ts';
import { createPool, type Pool } from '../../aggregate/pool.ts';
import { IoliteError } from '../../base/error.ts';
import { JOB_PIECE_BYTES, type JobContent } from './job-message.ts';
import type { JobStreams } from './job-streams.ts';

/** Pieces that are stored at a time. */
const MAX_STORED_PIECES = 8;
/** A copy of NATS that is behind may not have a piece yet. */
const ATTEMPTS = 5;
const PAUSE_MS = 200;

let ownPool: Pool | undefined;

/** Bodies that are too long for a message of NATS, in pieces. */
export class JobBodies {
  readonly #streams: JobStreams;
  readonly #pool: Pool;
  /** Bytes of a piece. */
  readonly #pieceBytes: number;

  /** @param maxPayload what NATS takes at once @param pool default: one of all jobs */
  constructor(streams: JobStreams, maxPayload: number, pool: Pool | undefined) {
    ownPool ??= createPool({ name: 'jobs' });
    this.#streams = streams;
    this.#pool = pool ?? ownPool;
    this.#pieceBytes = Math.min(JOB_PIECE_BYTES, maxPayload);
  }

  /** Stores the pieces of a body. @returns how many @throws as JobStreams.store */
  async store(id: string, body: Aggregate): Promise<number> {
    const count = Math.ceil(body.length / this.#pieceBytes);
    let next = 0;
    let failure: { readonly error: unknown } | undefined;
    const run = async (): Promise<void> => {
      for (let piece = next++; piece < count && failure === undefined; piece = next++) {
        const start = piece * this.#pieceBytes;
        const bytes = Buffer.allocUnsafe(Math.min(this.#pieceBytes, body.length - start));
        body.copyTo(bytes, 0, start, start + bytes.length);
        await this.#streams.store(this.#streams.pieceOf(id, piece), bytes, `${id}.${piece}`);
      }
    };
    const guarded = (): Promise<void> =>
      run().catch(error => {
        failure ??= { error };
      });
    await Promise.all(Array.from({ length: MAX_STORED_PIECES }, guarded));
    if (failure !== undefined) throw (failure as { readonly error: unknown }).error;
    return count;
  }

  /**
   * The body of a job, which the caller releases.
   * @throws ERR_IOLITE_INCOMPLETE when it is not as it was stored; ERR_IOLITE_LIMIT when the pool is full;
   *   what NATS says
   */
  async fetch(id: string, { length, pieces, inline }: JobContent): Promise<Aggregate | undefined> {
    if (length === undefined) return undefined;
    if (pieces === 0) return this.#pool.from(inline);
    const body = new Aggregate(undefined, this.#pool.chunks);
    try {
      for (let piece = 0; piece < pieces; piece++) {
        using bytes = this.#pool.from(await this.#piece(id, piece));
        body.append(bytes);
        if (body.length > length) break;
      }
      if (body.length === length) return body;
      throw new IoliteError('ERR_IOLITE_INCOMPLETE', `The body of job ${id} has another length than it had`);
    } catch (error) {
      body.release();
      throw error;
    }
  }

  async #piece(id: string, piece: number): Promise<Uint8Array> {
    const { jsm, pieces } = this.#streams;
    const subject = this.#streams.pieceOf(id, piece);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const stored = await jsm.direct.getMessage(pieces, { last_by_subj: subject });
      if (stored !== null) return stored.data;
      await new Promise(resolve => setTimeout(resolve, attempt * PAUSE_MS));
    }
    throw new IoliteError('ERR_IOLITE_INCOMPLETE', `Piece ${piece} of the body of job ${id} is lost`);
  }
}
