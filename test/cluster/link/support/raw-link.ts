import { connect, createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { writeLinkGreeting } from '../../../../src/cluster/link/link-greeting.ts';
import { type Frame, FrameReader, FrameType, FrameWriter } from '../../../../src/ipc/wire/frame.ts';
import { DEFAULT_QUOTAS } from '../../../../src/ipc/wire/quotas.ts';
import { watchdog } from '../../../support/watchdog.ts';

/** What a raw peer says of a MESSAGE frame, whether it is so or not. */
interface RawMessage {
  readonly kind: number;
  readonly correlation?: number;
  readonly flags?: number;
  readonly stream?: number;
  readonly bodyLength?: number;
  readonly head?: string;
  readonly body?: Buffer;
}

/** A peer of a link that says what it wants: frames, numbers and lies. */
export class RawLink implements AsyncDisposable {
  readonly writer = new FrameWriter();
  /** Types of frames that came. */
  readonly types: number[] = [];
  #sent = 0;
  #peer = '';
  readonly #connection: NatsConnection;
  readonly #inbox: string;
  #wake = (): void => {};

  private constructor(connection: NatsConnection, inbox: string) {
    this.#connection = connection;
    this.#inbox = inbox;
  }

  /** Opens a link, and confirms it. */
  static async open(url: string, subject: string): Promise<RawLink> {
    const connection = await connect({ servers: url });
    const raw = new RawLink(connection, createInbox());
    connection.subscribe(`${raw.#inbox}.*`, { callback: (_, message) => raw.#received(message) });
    const { maxMessages, ...quotas } = DEFAULT_QUOTAS;
    writeLinkGreeting(raw.writer, {
      machine: 'liar',
      heartbeatMs: 60_000,
      maxPayload: 1024 ** 2,
      quotas: { maxMessages, ...quotas },
      nonce: '',
      proof: undefined,
    });
    connection.publish(subject, raw.writer.take(), { reply: `${raw.#inbox}.ask` });
    await raw.until(FrameType.HELLO);
    raw.send();
    return raw;
  }

  /** Waits for a frame of a type. */
  async until(type: number): Promise<void> {
    while (!this.types.includes(type)) {
      const woken = new Promise<void>(resolve => {
        this.#wake = resolve;
      });
      await watchdog(woken, `a frame of type ${type}`);
    }
  }

  frame(type: number, ...fields: number[]): this {
    const { buffer, at } = this.writer.frame(type, 0, 4 * fields.length);
    for (const [i, field] of fields.entries()) buffer.writeUInt32LE(field, at + 4 * i);
    return this;
  }

  message({ kind, correlation = 0, stream = 0, head = '', body, ...more }: RawMessage): this {
    const { flags = body === undefined ? 0 : 1, bodyLength = body?.length ?? 0 } = more;
    const length = 24 + head.length + (body?.length ?? 0);
    const { buffer, at } = this.writer.frame(FrameType.MESSAGE, flags, length);
    for (const [i, field] of [kind, correlation, head.length, stream].entries())
      buffer.writeUInt32LE(field, at + 4 * i);
    buffer.writeBigUInt64LE(BigInt(bodyLength), at + 16);
    buffer.write(head, at + 24);
    body?.copy(buffer, at + 24 + head.length);
    return this;
  }

  /** Sends what was written. @param number in place of the next one */
  send(bytes: Uint8Array = this.writer.take(), number = this.#sent): this {
    this.#connection.publish(`${this.#peer}.m`, bytes, { reply: `${this.#inbox}.${number}` });
    this.#sent += 1;
    return this;
  }

  /** Sends what anybody may send to a subject. */
  async publish(subject: string, bytes: Uint8Array, reply?: string): Promise<void> {
    this.#connection.publish(subject, bytes, reply === undefined ? {} : { reply });
    await this.#connection.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }

  #received({ data, reply }: Msg): void {
    this.#peer = reply?.slice(0, reply.lastIndexOf('.')) ?? this.#peer;
    new FrameReader().push(Buffer.from(data), ({ type }: Frame) => this.types.push(type));
    this.#wake();
  }
}
