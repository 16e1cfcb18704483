import type { Aggregate } from '../../aggregate/aggregate.ts';
import { IoliteError } from '../../base/error.ts';
import { invariant } from '../../base/invariant.ts';
import type { Credentials } from '../../memory/acl.ts';
import type { Channel } from '../channel.ts';
import type { Endpoint } from '../meet/endpoint.ts';
import { listen } from '../meet/listen.ts';
import type { Message } from '../message.ts';
import { holdsPipe, identifyPipe, type PipeIdentity } from './pipe-identity.ts';

/** A reader of the pipe that asks for aggregates, and how it is answered. */
interface Offer {
  readonly channel: Channel;
  readonly accept: (answer: Message) => void;
}

/**
 * Aggregates that the reader has not taken: one it works on, one on its way, and some for when either is
 * late. What runs ahead further is memory that cannot be refilled while it is in the processor's caches.
 */
const MAX_AHEAD_AGGREGATES = 4;
/** What sending fails with when the reader is gone, whether the channel knows that yet or not. */
const GONE_CODES = new Set(['ERR_IOLITE_PEER', 'ERR_IOLITE_CLOSED', 'EPIPE', 'ECONNRESET']);
/** How long a reader that has connected gets to ask, before ordinary bytes go on. */
const PATIENCE_MS = 50;

/**
 * The upgrade of a pipe on its writer's side. The writer goes on writing ordinary bytes until a reader that
 * knows iolite asks for aggregates; then it answers, at a moment when all it has put is in the pipe, and
 * sends aggregates from there on. When that reader goes it writes ordinary bytes again: to the next reader,
 * or to nobody, which ends it as any writer of a pipe is ended. See docs/protocol.md.
 */
export class PipeWriter {
  readonly #pipe: PipeIdentity;
  readonly #endpoint: Endpoint;
  #offers: Offer[] = [];
  /** The reader that gets aggregates. */
  #channel: Channel | undefined;
  /** Whether a reader has connected that has not asked yet. */
  #meeting = false;
  /** Aggregates that the reader has not taken. */
  #ahead = 0;
  /** Why one could not be sent, although the reader is there. */
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  private constructor(pipe: PipeIdentity, endpoint: Endpoint) {
    this.#pipe = pipe;
    this.#endpoint = endpoint;
    endpoint.on('channel', channel => this.#met(channel));
  }

  /**
   * Lets readers find us.
   * @param fd a descriptor of the pipe; it stays the caller's
   * @returns undefined when it is no pipe, when another writer of the same pipe listens, or where we cannot
   */
  static async open(fd: number): Promise<PipeWriter | undefined> {
    const pipe = identifyPipe(fd);
    if (pipe === undefined) return undefined;
    try {
      const endpoint = await listen(pipe.endpoint);
      return new PipeWriter(pipe, endpoint.unref());
    } catch {
      return undefined;
    }
  }

  /** The reader that gets aggregates. */
  get reader(): Credentials | undefined {
    return this.#channel?.peer;
  }

  /** Whether a reader is there that {@link takeUp} may accept. */
  get isWanted(): boolean {
    return this.#channel === undefined && (this.#meeting || this.#offers.length > 0);
  }

  /** Whether aggregates can be sent. */
  get upgraded(): boolean {
    return this.#channel !== undefined;
  }

  /**
   * Looks for a reader that wants aggregates, and accepts it. Everything that was put so far has to be in the
   * pipe, and nothing may be put there afterwards while {@link upgraded}. Gives the event loop a turn; waits
   * a moment for a reader that has connected and not asked yet, since bytes that it does not read would be in
   * its way.
   */
  async takeUp(): Promise<boolean> {
    await turn();
    if (this.#offers.length === 0 && this.#meeting) await this.#asked();
    for (const { channel, accept } of this.#offers.splice(0)) {
      if (channel.closed) continue;
      if (this.#channel === undefined) {
        this.#channel = channel;
        accept({});
      } else channel.destroy();
    }
    return this.upgraded;
  }

  /**
   * Sends an aggregate, and takes it over if that succeeds.
   * @returns when the reader may have the next one; false when the reader is known to be gone. What was on
   *   its way when a reader went counts as read by it.
   * @throws ERR_IOLITE_LIMIT, SystemError: EMFILE, ENOMEM
   */
  async send(aggregate: Aggregate): Promise<boolean> {
    await this.#takenBut(MAX_AHEAD_AGGREGATES - 1);
    if (this.#failure !== undefined) throw this.#failure;
    const channel = this.#channel;
    if (channel === undefined) return false;
    this.#ahead += 1;
    channel.request({ body: aggregate }).then(
      ({ body }) => {
        body?.release();
        this.#taken();
      },
      error => {
        if (!GONE_CODES.has(error.code)) this.#failure = error;
        else if (this.#channel === channel) this.#channel = undefined;
        // One that says so itself must not go on as if it were the reader.
        if (this.#channel !== channel) channel.destroy();
        this.#taken();
      },
    );
    aggregate.release();
    await turn();
    return true;
  }

  /** Nothing follows. Resolves when the reader has taken all that was sent, or is gone. */
  async end(): Promise<void> {
    await this.#takenBut(0);
    for (const { channel } of this.#offers.splice(0)) channel.destroy();
    await this.#endpoint.close();
    if (this.#failure !== undefined) throw this.#failure;
    await this.#channel?.ref().close();
  }

  /** Sends nothing more, at once. The reader keeps what was sent. */
  destroy(): void {
    for (const { channel } of this.#offers.splice(0)) channel.destroy();
    this.#channel?.destroy();
    void this.#endpoint.close();
  }

  /** Waits until the reader has taken all but so many aggregates, and keeps the process alive meanwhile. */
  async #takenBut(count: number): Promise<void> {
    while (this.#ahead > count && this.#failure === undefined) {
      const channel = this.#channel?.ref();
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
      channel?.unref();
    }
  }

  #taken(): void {
    this.#ahead -= 1;
    invariant(this.#ahead >= 0, 'an aggregate that was taken was sent');
    this.#notify();
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Waits until a reader that has connected asks, or goes, or takes too long. */
  async #asked(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>(resolve => {
      this.#wake = resolve;
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    clearTimeout(timer);
    this.#meeting = false;
  }

  #met(channel: Channel): void {
    // Looked at once: it costs as much as the peer has descriptors. Others are not waited for.
    const isReader = holdsPipe(channel.peer.pid, this.#pipe, 'read');
    let hasAsked = false;
    if (isReader) this.#meeting = this.#channel === undefined;
    channel.unref();
    channel.once('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
      this.#notify();
    });
    channel.onRequest(({ body }) => {
      body?.release();
      this.#notify();
      if (!isReader || hasAsked) {
        const reason = isReader ? 'the peer has asked before' : 'the peer does not read it';
        throw new IoliteError('ERR_IOLITE_ACCESS', `Cannot upgrade pipe: ${reason}`);
      }
      hasAsked = true;
      return new Promise(accept => this.#offers.push({ channel, accept }));
    });
  }
}

/** Frames leave, and connections arrive, between turns of the event loop. */
function turn(): Promise<void> {
  return new Promise(setImmediate);
}
