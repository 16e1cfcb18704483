import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { Aggregate } from '../aggregate/aggregate.ts';
import { ArgumentError, describe } from '../base/error.ts';
import { bytesQueued } from '../os/gather.ts';
import { kernelSocket } from './kernel-socket.ts';
import { ReaderPace } from './reader-pace.ts';
import { closedEarly } from './send-errors.ts';
import { FIRST_COPY_BYTES, LARGE_BODY_BYTES, type SendMode, SocketSender } from './socket-sender.ts';
import { StreamSender } from './stream-sender.ts';

/** How an aggregate is sent. */
export interface SendOptions {
  /**
   * How bytes get into a socket of the kernel; without meaning for other streams. 'copy': written from the
   * mapped memory. 'reference': the socket refers to the memory itself (sendfile(2)), where that is safe.
   * 'auto' (default): copied to a peer that keeps up, which is faster, and by reference to one that is slow,
   * or not known yet, which takes no memory.
   */
  readonly mode?: SendMode;
  /**
   * Bytes to go before it, as a header: into a socket of the kernel with the beginning of the aggregate. They
   * must not change.
   */
  readonly head?: Buffer | undefined;
  /**
   * Told once, at the end, how many bytes of the aggregate the stream has taken: less than all when sending
   * fails.
   */
  readonly taken?: ((bytes: number) => void) | undefined;
}

const MODES: readonly unknown[] = ['auto', 'copy', 'reference'];

/** The last sending on its way into a stream: the next one waits for it. */
const underway = new WeakMap<Writable, Promise<void>>();
/** How fast those who read from sockets of the kernel were. */
const paces = new WeakMap<Writable, ReaderPace>();

/**
 * Writes an aggregate to a socket, a server response or another stream. Nothing is copied in this process:
 * the kernel takes the bytes from the mapped memory, or refers to it. What the peer has no room for yet waits
 * there too, not in buffers: at most about 1 MiB of it is copied ahead, 32 KiB into the socket of a slow
 * reader. Does not end the stream.
 *
 * Aggregates sent to one stream follow one another; anything else must not be written to it before it has
 * taken them.
 *
 * Holds a reference of its own until the last byte is taken or the stream is closed: the caller may release
 * the aggregate at once. Memory that was sent by reference is not filled again, but given back to the system
 * when it is released: only so the bytes cannot change that wait in the kernel's queues, here or at a reader
 * on the same machine. (For memory of another domain that is for its owner to promise, by a pool that is made
 * with `refill: false`, or of kind 'seal'. Other memory is copied.)
 * @returns when the kernel (or whatever lies behind the stream) has taken all bytes
 * @throws what the stream failed with (ECONNRESET, EPIPE, ...), ERR_IOLITE_PEER when it closed before the
 *   end, ERR_IOLITE_ARGUMENT, ERR_IOLITE_RELEASED
 */
export async function sendAggregate(
  stream: Writable,
  aggregate: Aggregate,
  options: SendOptions = {},
): Promise<void> {
  if (typeof stream?.write !== 'function' || typeof stream.once !== 'function') {
    throw new ArgumentError(`Cannot send aggregate: a stream is wanted, ${describe(stream)} was given`);
  }
  if (!Aggregate.isAggregate(aggregate)) {
    throw new ArgumentError(
      `Cannot send aggregate: an Aggregate is wanted, ${describe(aggregate)} was given`,
    );
  }
  const { mode = 'auto', head } = options;
  if (head !== undefined && !Buffer.isBuffer(head)) {
    throw new ArgumentError(`Cannot send aggregate: a Buffer is wanted as head, ${describe(head)} was given`);
  }
  if (!MODES.includes(mode)) {
    throw new ArgumentError(
      `Cannot send aggregate: mode 'auto', 'copy' or 'reference' is wanted, ${describe(mode)} was given`,
    );
  }
  const held = aggregate.duplicate();
  const previous = underway.get(stream);
  const sending =
    previous === undefined ? send(stream, held, options) : follow(previous, stream, held, options);
  underway.set(stream, sending);
  try {
    await sending;
  } finally {
    if (underway.get(stream) === sending) underway.delete(stream);
  }
}

async function follow(
  previous: Promise<void>,
  stream: Writable,
  held: Aggregate,
  options: SendOptions,
): Promise<void> {
  // Whoever sent that one is told of its failure, and the stream will tell us as well.
  await previous.catch(() => undefined);
  await send(stream, held, options);
}

async function send(
  stream: Writable,
  body: Aggregate,
  { mode = 'auto', head, taken }: SendOptions,
): Promise<void> {
  const parts = head === undefined ? [body] : [head, body];
  let sending: StreamSender | SocketSender | undefined;
  try {
    await new Promise<void>((sent, failed) => {
      if (stream.destroyed) {
        body.release();
        failed(closedEarly());
        return;
      }
      const fd = kernelSocket(stream);
      if (fd === undefined) sending = new StreamSender(stream, parts, sent, failed);
      else {
        const isFast = mode === 'auto' && paceOf(stream, fd).isFast;
        sending = new SocketSender(stream as Socket, fd, { parts, mode, isFast, sent, failed });
      }
      sending.start();
    });
  } finally {
    if (sending instanceof SocketSender && sending.taken > LARGE_BODY_BYTES) {
      paces.get(stream)?.sent(sending.keptUp);
    }
    taken?.(Math.max(0, (sending?.taken ?? 0) - (head?.length ?? 0)));
  }
}

function paceOf(stream: Writable, fd: number): ReaderPace {
  let pace = paces.get(stream);
  if (pace === undefined) {
    pace = new ReaderPace();
    paces.set(stream, pace);
  } else if (pace.isUnknown && bytesQueued(fd) <= FIRST_COPY_BYTES) {
    // What was written since, as a header, may be there.
    pace.caughtUp();
  }
  return pace;
}
