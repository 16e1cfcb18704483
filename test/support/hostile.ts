import { once } from 'node:events';
import { createPool } from '../../src/aggregate/pool.ts';
import { Channel } from '../../src/ipc/channel.ts';
import type { ChannelOptions } from '../../src/ipc/channel-options.ts';
import type { Message } from '../../src/ipc/message.ts';
import { FrameType, FrameWriter } from '../../src/ipc/wire/frame.ts';
import type { SharedChunk } from '../../src/memory/shared-chunk.ts';
import { closeDescriptor } from '../../src/os/descriptor.ts';
import { sendDescriptor, socketPair } from '../../src/os/socket.ts';
import { HELLO, RawPeer } from './raw-peer.ts';
import { watchdog } from './watchdog.ts';

/**
 * A channel whose other end does as it likes. The program at the near end takes, reads and releases whatever
 * comes.
 */
export class Hostile {
  readonly channel: Channel;
  readonly peer: RawPeer;
  readonly messages: Message[] = [];
  /** Its end of the descriptor socket. */
  readonly descriptors: number;
  readonly #closed: Promise<Error | undefined>;
  #hasDescriptors = true;

  constructor(options: ChannelOptions = {}, program: 'reads' | 'sleeps' = 'reads') {
    const [messages, theirMessages] = socketPair('stream');
    const [descriptors, theirDescriptors] = socketPair('seqpacket');
    const self = { pid: process.pid, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    this.channel = new Channel({ messages, descriptors }, self, options);
    this.peer = new RawPeer(theirMessages);
    this.descriptors = theirDescriptors;
    this.#closed = once(this.channel, 'close').then(([error]) => error as Error | undefined);
    this.channel.ready().catch(() => {});
    this.channel.onRequest(async ({ body }) => {
      body?.release();
      return { head: 'answer' };
    });
    if (program === 'reads') void this.#read().catch(() => {});
  }

  /** Passes a descriptor, and says under which number. */
  pass(index: number, fd: number): void {
    const note = Buffer.alloc(4);
    note.writeUInt32LE(index);
    sendDescriptor(this.descriptors, note, fd);
  }

  /** The code of the error that the channel closed with; undefined when it closed gracefully. */
  async code(): Promise<string | undefined> {
    const error = await watchdog(this.#closed, 'the channel to close');
    return (error as { code?: string } | undefined)?.code;
  }

  async message(): Promise<string> {
    return (await watchdog(this.#closed, 'the channel to close'))?.message ?? '';
  }

  /** Its end of the descriptor socket, with what it has not taken. */
  closeDescriptors(): void {
    if (!this.#hasDescriptors) return;
    this.#hasDescriptors = false;
    closeDescriptor(this.descriptors);
  }

  [Symbol.dispose](): void {
    this.channel.destroy();
    this.peer.socket.destroy();
    this.closeDescriptors();
  }

  async #read(): Promise<void> {
    for await (const { head, body, stream } of this.channel) {
      this.messages.push(head === undefined ? {} : { head });
      body?.release();
      if (stream !== undefined) void drain(stream).catch(() => {});
    }
  }
}

async function drain(stream: AsyncIterable<{ release(): void }>): Promise<void> {
  for await (const piece of stream) piece.release();
}

/** A chunk with the bytes 'content' in it, and how a peer describes it. */
export class Sample {
  readonly pool = createPool({ name: 'hostile', chunkSize: 64 * 1024 });
  readonly body = this.pool.from('content');
  readonly chunk: SharedChunk;
  readonly offset: number;

  constructor() {
    const [slice] = this.body.slices();
    this.chunk = slice?.lease.chunk as SharedChunk;
    this.offset = slice?.start ?? 0;
  }

  /** A descriptor as an honest peer passes it; the caller closes it. */
  descriptor(): number {
    return this.chunk.grant();
  }

  grant(index: number, changes: { size?: number; id?: string; flags?: number } = {}): Buffer {
    const { size = this.chunk.size, id = this.chunk.id, flags = 0 } = changes;
    return grantFrame(index, size, id, flags);
  }

  /** The fields of a slice that is all of the content. */
  slice(index: number, changes: { generation?: number; start?: number; length?: number } = {}): number[] {
    const { generation = this.chunk.generation, start = this.offset, length = this.body.length } = changes;
    return [index, generation, start, length];
  }

  [Symbol.dispose](): void {
    this.body.release();
    this.pool.close();
  }
}

export function grantFrame(index: number, size: number, id: string, flags = 0): Buffer {
  const writer = new FrameWriter();
  const { buffer, at } = writer.frame(FrameType.GRANT, flags, 32);
  buffer.writeUInt32LE(index, at);
  buffer.writeUInt32LE(0, at + 4);
  buffer.writeBigUInt64LE(BigInt(size), at + 8);
  buffer.write(id, at + 16, 'hex');
  return writer.take();
}

/** A MESSAGE frame; its lengths are those of what is given unless said otherwise. */
export function messageFrame(
  kind: number,
  correlation: number,
  content: { head?: string | Buffer; slices?: readonly number[][]; flags?: number } = {},
  lies: { head?: number; slices?: number } = {},
): Buffer {
  const head = Buffer.from(content.head ?? '');
  const { slices = [], flags = slices.length > 0 ? 1 : 0 } = content;
  const writer = new FrameWriter();
  const { buffer, at: start } = writer.frame(FrameType.MESSAGE, flags, 16 + head.length + 16 * slices.length);
  let at = start;
  for (const field of [kind, correlation, lies.head ?? head.length, lies.slices ?? slices.length]) {
    at = buffer.writeUInt32LE(field, at);
  }
  at += head.copy(buffer, at);
  for (const field of slices.flat()) at = buffer.writeUInt32LE(field, at);
  return writer.take();
}

/** A frame of any bytes. */
export function rawFrame(type: number, body: Uint8Array, flags = 0): Buffer {
  const writer = new FrameWriter();
  const { buffer, at } = writer.frame(type, flags, body.length);
  buffer.set(body, at);
  return writer.take();
}

export { HELLO };
