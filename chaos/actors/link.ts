import { setTimeout } from 'node:timers/promises';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import type { Json } from '../../src/base/json.ts';
import type { Channel } from '../../src/ipc/channel.ts';
import type { Message } from '../../src/ipc/message.ts';
import type { Draw } from '../draw.ts';
import type { Stamp } from '../payload.ts';
import type { ActorLine } from './actor-line.ts';
import { isExpected } from './expected.ts';
import type { Holder } from './holder.ts';

const MAX_HOPS = 4;
const MAX_RECORDS = 6;
/** How long an answer may take while processes are stopped, and when none is. */
const REQUEST_MS = 8000;
const PROBE_MS = 20_000;

/** What the head of each message says. */
interface Head {
  readonly stamps: readonly Stamp[];
  /** How often it may still be passed on. */
  readonly hops: number;
}

/** Makes payloads. @throws ERR_IOLITE_LIMIT, as it is full */
export interface Maker {
  make(): { body: Aggregate; stamp: Stamp };
}

/** How a domain uses its channels. */
interface Habits {
  /** The mean pause between payloads, in milliseconds; 0: none are made. */
  readonly pause: number;
  /** How much of what comes is passed on. */
  readonly forwards: number;
}

/** What a domain does with one of its channels: it sends, answers, and verifies what comes. */
export class Link {
  readonly channel: Channel;
  readonly #line: ActorLine;
  readonly #draw: Draw;
  readonly #holder: Holder;
  readonly #forward: (body: Aggregate, head: Head) => void;
  /** What is on its way. */
  #busy = 0;

  constructor(channel: Channel, { line, draw, holder, habits, maker, forward }: LinkHost) {
    this.channel = channel;
    this.#line = line;
    this.#draw = draw;
    this.#holder = holder;
    this.#forward = (body, head) => {
      if (head.hops > 0 && draw.chance(habits.forwards)) forward(this, body, head);
    };
    channel.on('close', () => {});
    channel.onRequest(message => this.#answer(message));
    void this.#attempt(() => this.#receive());
    if (habits.pause > 0) void this.#produce(maker, habits.pause);
  }

  get busy(): number {
    return this.#busy;
  }

  /** Sends a payload somehow. Keeps no reference to it. */
  async send(bodies: readonly Aggregate[], head: Head): Promise<void> {
    const way = this.#draw.weighted({ messages: 6, requests: 3, streams: 1 });
    this.#busy += 1;
    try {
      await this.#attempt(() => this.#sendBy(way, bodies, head as unknown as Json));
    } finally {
      this.#busy -= 1;
    }
  }

  /** Passes on what was received. */
  async pass(body: Aggregate, { stamps, hops }: Head): Promise<void> {
    using kept = body.duplicate();
    this.#line.tally.add('forwarded');
    await this.send([kept], { stamps, hops: hops - 1 });
  }

  /** Whether the other side answers, now that nothing keeps it. @throws ERR_IOLITE_TIMEOUT */
  async probe(): Promise<void> {
    await this.channel.request({ head: { probe: true } }, { timeout: PROBE_MS });
  }

  async #sendBy(
    way: 'messages' | 'requests' | 'streams',
    bodies: readonly Aggregate[],
    head: Json,
  ): Promise<void> {
    if (way === 'streams') {
      await this.channel.sendStream(duplicates(bodies), { head });
    } else {
      using body = Aggregate.concat(bodies);
      if (way === 'messages') await this.channel.send({ head, body });
      else await this.#request(body, head);
    }
    this.#line.tally.add(way);
  }

  /** The answer brings a payload back. */
  async #request(body: Aggregate, head: Json): Promise<void> {
    const answer = await this.channel.request({ head, body }, { timeout: REQUEST_MS });
    if (answer.body !== undefined) this.#holder.take(answer.body, (answer.head as unknown as Head).stamps);
  }

  async #produce(maker: Maker, pause: number): Promise<void> {
    while (!this.channel.closed) {
      await setTimeout(Math.min(1000, this.#draw.wait(pause)));
      if (!this.isProducing()) continue;
      const made: { body: Aggregate; stamp: Stamp }[] = [];
      try {
        for (let left = this.#draw.chance(0.2) ? this.#draw.integer(2, MAX_RECORDS) : 1; left > 0; left--)
          made.push(maker.make());
        const hops = this.#draw.integer(0, MAX_HOPS);
        await this.send(
          made.map(({ body }) => body),
          { stamps: made.map(({ stamp }) => stamp), hops },
        );
      } catch (error) {
        if ((error as { code?: string }).code === 'ERR_IOLITE_LIMIT') this.#line.tally.add('full');
        else if (isExpected(error)) this.#line.tally.add('lost');
        else this.#line.trouble(error);
      } finally {
        for (const { body } of made) body.release();
      }
    }
  }

  /** Set by the domain. */
  isProducing: () => boolean = () => true;

  async #receive(): Promise<void> {
    for await (const { head, body, stream } of this.channel) {
      const { stamps, hops } = head as unknown as Head;
      if (stream !== undefined) void this.#attempt(() => this.#collect(stream, stamps));
      else if (body !== undefined && this.#holder.take(body, stamps)) this.#forward(body, { stamps, hops });
    }
  }

  async #collect(stream: NonNullable<Message['stream']>, stamps: readonly Stamp[]): Promise<void> {
    const whole = Aggregate.empty();
    this.#busy += 1;
    try {
      for await (const piece of stream) {
        whole.append(piece);
        piece.release();
      }
      this.#holder.take(whole.duplicate(), stamps);
    } finally {
      this.#busy -= 1;
      whole.release();
    }
  }

  /** With what came, or with something that is held. */
  #answer({ head, body }: Message): { head: Json; body?: Aggregate } {
    if (body === undefined) return { head: { probe: true } };
    const { stamps } = head as unknown as Head;
    const held = this.#draw.chance(0.3) ? this.#holder.some() : undefined;
    const answer = held ?? { body, stamps };
    const back = answer.body.duplicate();
    this.#holder.take(body, stamps);
    return { head: { stamps: answer.stamps } as unknown as Json, body: back };
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (isExpected(error)) this.#line.tally.add('lost');
      else this.#line.trouble(error);
    }
  }
}

/** Made as they are asked for: whoever reads them takes them over. */
function* duplicates(bodies: readonly Aggregate[]): Generator<Aggregate> {
  for (const body of bodies) yield body.duplicate();
}

/** What links share. */
export interface LinkHost {
  readonly line: ActorLine;
  readonly draw: Draw;
  readonly holder: Holder;
  readonly habits: Habits;
  readonly maker: Maker;
  /** Passes something on by another link. */
  readonly forward: (from: Link, body: Aggregate, head: Head) => void;
}
