import { Aggregate } from '../../aggregate/aggregate.ts';
import { sharedSlice } from '../../aggregate/aggregate-of-slices.ts';
import { Slice } from '../../aggregate/slice.ts';
import { invariant } from '../../base/invariant.ts';
import type { Repeatable } from '../../base/repeatable.ts';
import { hasSmallMemory } from '../../os/container/small-memory.ts';
import { MemoryRuns } from '../../os/gather.ts';
import { type Address, addressOf } from '../../os/libc.ts';
import type { Mapping } from '../../os/mapping/mapped-memory.ts';
import { mapPrivate } from '../../os/mapping/mapping.ts';
import type { Body } from '../message/body.ts';
import { commonLines } from './answer-head.ts';
import { AnswerRing, SPARE_BYTES } from './answer-ring.ts';
import type { LaneLink } from './lane-link.ts';
import { SMALL_BYTES } from './outbox.ts';
import { isReferable } from './referred-body.ts';

/** For requests and heads; of it so much is used as they take. A browser's request has 500 bytes. */
const MEMORY_BYTES = 64 * 1024 ** 2;
/** The same where there is little memory: for some ten thousand. */
const LITTLE_MEMORY_BYTES = 4 * 1024 ** 2;
const MAX_RECORDS = 131_072;
const MAX_REQUEST_BYTES = 1024;
const MAX_BODY_BYTES = 1024 ** 2;
/** The pieces of memory that a head is sent from; the body's comes behind them. */
const HEAD_RUNS = 2;

/** An answer that is to be kept: its head in bytes, and what of its body is sent. */
interface KeptAnswer {
  readonly status: number;
  readonly head: readonly Buffer[];
  readonly body: Body | undefined;
}

/** The letter that HEAD begins with, and GET does not. */
const FIRST_OF_HEAD = 0x48;

/**
 * Answers that their handlers let be repeated, by the bytes of their requests: who sends the same again gets
 * the same again, and nobody is asked. The body goes from where it lies straight to the socket.
 *
 * One for all connections of a lane. {@link recall} finds an answer; what is told and done is then about
 * that, until it is called again. It holds 64 MiB at most, and of what it repeats the {@link Repeatable}.
 */
export class RepeatedAnswers {
  readonly #read: Buffer;
  readonly #memoryBytes: number;
  /** Made when there is something to keep; 'none' where there is no memory for it. */
  #kept: KeptAnswers | 'none' | undefined;
  #requestBytes = 0;
  #status = 0;
  #bodyBytes = 0;
  /** The body of the answer that was found, where it is large. */
  #body: Slice | undefined;
  /** Of that, what goes by reference. */
  #referred: Slice | undefined;

  /**
   * @param read what requests are read into
   * @param memoryBytes for what is kept; a multiple of 2 MiB
   */
  constructor(read: Buffer, memoryBytes = hasSmallMemory() ? LITTLE_MEMORY_BYTES : MEMORY_BYTES) {
    this.#read = read;
    this.#memoryBytes = memoryBytes;
  }

  /** How many are kept. */
  get count(): number {
    return typeof this.#kept === 'object' ? this.#kept.ring.count : 0;
  }

  /** Of the request that was looked for last. */
  get requestBytes(): number {
    return this.#requestBytes;
  }

  /** Of that request: nothing but answers to these two is repeated. */
  get method(): 'GET' | 'HEAD' {
    return this.#read[0] === FIRST_OF_HEAD ? 'HEAD' : 'GET';
  }

  /** Of the answer that was found. */
  get status(): number {
    return this.#status;
  }

  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** Whether its body takes no memory while it waits for the client. */
  get isReferred(): boolean {
    return this.#referred !== undefined;
  }

  /**
   * Looks for an answer to a request, which is to be sent at once.
   * @param length of the request, whose bytes are the first that were read
   * @returns whether there is one; it counts as given then
   */
  recall(length: number): boolean {
    const kept = this.#kept;
    if (typeof kept !== 'object' || length > MAX_REQUEST_BYTES) return false;
    const { ring } = kept;
    const record = ring.find(length);
    if (record === -1) return false;
    const repeatable = ring.repeatableOf(record);
    const bodyBytes = ring.bodyLengthOf(record);
    const isLarge = bodyBytes > SMALL_BYTES;
    const body = isLarge && repeatable !== undefined ? sliceOf(repeatable) : undefined;
    if (repeatable?.mayRepeat() !== true || (isLarge && body === undefined)) {
      ring.forget(record);
      return false;
    }
    this.#requestBytes = length;
    this.#status = ring.statusOf(record);
    this.#bodyBytes = bodyBytes;
    this.#body = body;
    this.#referred = body !== undefined && isReferable(body) ? body : undefined;
    kept.take(record);
    return true;
  }

  /**
   * Sends the answer that was found, as far as the socket takes it now.
   * @returns how many bytes it took, if these are not all; undefined if they are
   */
  send(link: LaneLink): number | undefined {
    const { runs } = this.#kept as KeptAnswers;
    const referred = this.#referred;
    const sent = (referred && link.sendRunsAhead(runs, HEAD_RUNS, referred)) ?? link.sendRuns(runs);
    return sent === runs.size && !link.hasUnsent ? undefined : sent;
  }

  /**
   * The answer that was found, which has just been sent in part: a copy of the head, and of a small body; a
   * larger one by a reference, which is the caller's.
   */
  parts(): [head: Buffer, body: Buffer | Aggregate] {
    const { runs } = this.#kept as KeptAnswers;
    const body = this.#body;
    const bytes = runs.copy(body === undefined ? undefined : HEAD_RUNS);
    if (body !== undefined) return [bytes, sharedSlice(body)];
    const end = bytes.length - this.#bodyBytes;
    return [bytes.subarray(0, end), bytes.subarray(end)];
  }

  /**
   * Keeps an answer, if it is of a kind that is repeated: with the common last lines or such as are brought
   * up to date, and with no body or one that lies in one piece of shared memory: a small one, or all of what
   * is repeated, of up to 1 MiB. Not the last one of a connection.
   * @param length as of {@link recall}
   * @param answer stays as it is
   */
  keep(length: number, { status, head, body }: KeptAnswer, repeatable: Repeatable): void {
    const [lines, last] = head;
    if (length > MAX_REQUEST_BYTES || lines === undefined || last === undefined) return;
    const isWhole = last !== commonLines();
    if (isWhole && repeatable.renew === undefined) return;
    if (body !== undefined && !Aggregate.isAggregate(body)) return;
    const bodyBytes = body?.length ?? 0;
    const bodyAddress = body === undefined ? 0 : addressOfBody(body);
    if (bodyAddress === undefined || lines.length + last.length > SMALL_BYTES) return;
    if (bodyBytes > SMALL_BYTES && !isAllOf(repeatable.slice, bodyAddress, bodyBytes)) return;
    this.#kept ??= KeptAnswers.make(this.#read, this.#memoryBytes) ?? 'none';
    if (this.#kept === 'none') return;
    const kept = isWhole ? Buffer.concat([lines, last]) : lines;
    this.#kept.ring.keep(length, { status, repeatable, head: kept, isWhole, bodyAddress, bodyBytes });
  }
}

/** The memory of what is repeated, and what of it is to be sent next. */
class KeptAnswers {
  readonly ring: AnswerRing;
  readonly runs = new MemoryRuns(HEAD_RUNS + 1);
  readonly #memory: Mapping;
  /** Whose bytes lie before the first record. */
  #lines: Buffer | undefined;

  private constructor(memory: Mapping, read: Buffer) {
    this.#memory = memory;
    this.ring = new AnswerRing(memory, read, MAX_RECORDS);
  }

  /** @returns undefined where there is no such memory */
  static make(read: Buffer, bytes: number): KeptAnswers | undefined {
    let memory: Mapping;
    try {
      memory = mapPrivate(bytes);
    } catch {
      return undefined;
    }
    return new KeptAnswers(memory, read);
  }

  /** The answer of a record is to be sent next: head, last lines and body. */
  take(record: number): void {
    const { ring, runs } = this;
    ring.renew(record);
    const lines = commonLines();
    if (lines !== this.#lines) this.#keepLines(lines);
    runs.set(0, ring.headAddressOf(record), ring.headLengthOf(record));
    runs.set(1, this.#memory.address, ring.isWhole(record) ? 0 : lines.length);
    runs.set(HEAD_RUNS, ring.bodyAddressOf(record), ring.bodyLengthOf(record));
  }

  #keepLines(lines: Buffer): void {
    invariant(lines.length <= SPARE_BYTES, 'the last lines of an answer find room before the first record');
    this.#lines = lines;
    this.#memory.bytes.set(lines);
  }
}

/** What is repeated, as long as somebody holds it: handlers of others may err. */
function sliceOf({ slice }: Repeatable): Slice | undefined {
  return slice instanceof Slice && slice.lease.references > 0 ? slice : undefined;
}

/** Whether a body is all of what whoever repeats it holds, and is sent in one step. */
function isAllOf(all: unknown, bodyAddress: Address, bodyBytes: number): boolean {
  if (!(all instanceof Slice) || bodyBytes > MAX_BODY_BYTES) return false;
  return all.length === bodyBytes && addressOfSlice(all) === bodyAddress;
}

/** @returns undefined where it does not lie in one piece of shared memory, which keeps its place */
function addressOfBody(body: Aggregate): Address | undefined {
  const [slice, more] = body.slices();
  return slice === undefined || more !== undefined ? undefined : addressOfSlice(slice);
}

function addressOfSlice({ lease, start }: Slice): Address | undefined {
  return lease.chunk.memory === 'shared' ? Number(addressOf(lease.bytes)) + start : undefined;
}
