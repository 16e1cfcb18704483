import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { type Frame, FrameReader } from '../../../../src/ipc/wire/frame.ts';
import { watchdog } from '../../../support/watchdog.ts';

/** A message of NATS as it was overheard. */
export interface Overheard {
  readonly subject: string;
  readonly reply: string | undefined;
  readonly data: Uint8Array;
}

/** Whoever may publish and subscribe to everything at a server of NATS, and knows no secret. */
export class Eavesdropper implements AsyncDisposable {
  readonly heard: Overheard[] = [];
  readonly #connection: NatsConnection;
  #wake = (): void => {};

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
    connection.subscribe('>', { callback: (_, message) => this.#hear(message) });
  }

  static async start(url: string): Promise<Eavesdropper> {
    const eavesdropper = new Eavesdropper(await connect({ servers: url }));
    await eavesdropper.#connection.flush();
    return eavesdropper;
  }

  /** Says what it wants in anybody's name. */
  say({ subject, reply, data }: Overheard): void {
    this.#connection.publish(subject, data, reply === undefined ? {} : { reply });
  }

  /** What it has heard of a kind, or hears next. @param since of which message on */
  async hears(what: string, isIt: (message: Overheard) => boolean, since = 0): Promise<Overheard> {
    for (;;) {
      const found = this.heard.slice(since).find(isIt);
      if (found !== undefined) return found;
      const woken = new Promise<void>(resolve => {
        this.#wake = resolve;
      });
      await watchdog(woken, what);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }

  #hear({ subject, reply, data }: Msg): void {
    this.heard.push({ subject, reply, data: Buffer.from(data) });
    this.#wake();
  }
}

/** Types of the frames of a message, up to the first that is none: not all who speak are honest. */
export function typesIn({ data }: Overheard): number[] {
  const types: number[] = [];
  try {
    new FrameReader().push(Buffer.from(data), ({ type }: Frame) => types.push(type));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_IOLITE_PROTOCOL') throw error;
  }
  return types;
}

/** The inbox that a message came from. */
export function inboxOf({ reply = '' }: Overheard): string {
  return reply.slice(0, reply.lastIndexOf('.'));
}
