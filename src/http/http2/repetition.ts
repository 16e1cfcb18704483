import { Aggregate } from '../../aggregate/aggregate.ts';
import { sharedSlice } from '../../aggregate/aggregate-of-slices.ts';
import { Slice } from '../../aggregate/slice.ts';
import type { Repeatable } from '../../base/repeatable.ts';
import type { PreparedReply } from './answer-block.ts';

/** Larger bodies are sent from what may be repeated, by a reference of our own. */
const SMALL_BYTES = 16 * 1024;

/** An answer that may be repeated. */
export class Repetition {
  readonly repeatable: Repeatable;
  readonly status: number;
  /** Its fields, encoded, all but the date. */
  readonly block: Buffer;
  readonly addsDate: boolean;
  readonly bodyBytes: number;
  /** Where its body begins in its memory. */
  readonly start: number;
  /** Held weakly: what may be repeated holds it, and what may not need not stay. */
  readonly #memory: WeakRef<Buffer> | undefined;

  private constructor(repeatable: Repeatable, reply: PreparedReply, slice: Slice | undefined) {
    this.repeatable = repeatable;
    this.status = reply.status;
    this.block = reply.block;
    this.addsDate = reply.last.length > 0;
    this.bodyBytes = slice?.length ?? 0;
    this.start = slice?.start ?? 0;
    if (slice !== undefined) this.#memory = new WeakRef(slice.lease.bytes);
  }

  /**
   * An answer that is about to be sent, to be repeated. It stays as it is.
   * @param date as answers of this second have it
   * @returns undefined for one that is not of a kind that is repeated: its body does not lie in one piece of
   *   shared memory, or is large and not all of what may be repeated
   */
  static of(repeatable: Repeatable, reply: PreparedReply, date: Buffer): Repetition | undefined {
    const { body, last } = reply;
    // What is brought up to date are lines of HTTP/1.1.
    if (repeatable.renew !== undefined || (last !== date && last.length > 0)) return undefined;
    if (body === undefined) return new Repetition(repeatable, reply, undefined);
    if (!Aggregate.isAggregate(body)) return undefined;
    const [slice, more] = body.slices();
    if (slice === undefined || more !== undefined || slice.lease.chunk.memory !== 'shared') return undefined;
    if (body.length > SMALL_BYTES && !isAllOf(repeatable.slice, slice)) return undefined;
    return new Repetition(repeatable, reply, slice);
  }

  /**
   * The memory of which its body is a part: valid after `repeatable` has said that it may be repeated, until
   * the caller returns to the event loop.
   */
  get memory(): Buffer | undefined {
    return this.#memory?.deref();
  }

  /** Its body, by a reference that is the caller's, if there is one. Valid as {@link memory} is. */
  content(): Aggregate | undefined {
    const { slice } = this.repeatable;
    if (!(slice instanceof Slice) || slice.length !== this.bodyBytes || slice.lease.references === 0)
      return undefined;
    return sharedSlice(slice);
  }
}

function isAllOf(all: unknown, slice: Slice): boolean {
  if (!(all instanceof Slice) || all.length !== slice.length) return false;
  return all.lease.bytes === slice.lease.bytes && all.start === slice.start;
}
