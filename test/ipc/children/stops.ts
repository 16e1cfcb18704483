import { ExportTable } from '../../../src/ipc/chunks/export-table.ts';
import { ImportTable } from '../../../src/ipc/chunks/import-table.ts';
import { FrameType, FrameWriter } from '../../../src/ipc/wire/frame.ts';
import { MessageSocket } from '../../../src/ipc/wire/message-socket.ts';
import { ImportedChunk } from '../../../src/memory/imported-chunk.ts';

/** Stops this process where it is: nothing more of it runs until it is killed. */
function stop(): void {
  process.kill(process.pid, 'SIGSTOP');
}

type Method = (this: unknown, ...args: never[]) => unknown;

function wrap(
  prototype: object,
  name: string,
  when: 'before' | 'after',
  applies: (args: unknown[]) => boolean,
): void {
  const methods = prototype as Record<string, Method>;
  const method = methods[name] as Method;
  methods[name] = function (this: unknown, ...args: never[]): unknown {
    if (when === 'before' && applies(args)) stop();
    const result = method.apply(this, args);
    if (when === 'after' && applies(args)) stop();
    return result;
  };
}

const always = (): boolean => true;

/** True from the time a method was called on. */
function once(prototype: object, name: string): () => boolean {
  let called = false;
  wrap(prototype, name, 'after', () => {
    called = true;
    return false;
  });
  return () => called;
}

/** Stops at a frame of a type, once a chunk was passed or leased: other messages go on until then. */
function atFrame(type: number, when: 'before' | 'after', cause: [prototype: object, name: string]): void {
  const caused = once(...cause);
  wrap(FrameWriter.prototype, 'frame', when, ([given]) => given === type && caused());
}

/** Whether one of the frames in `bytes` is a message with a body. */
function carriesBody(bytes: Buffer): boolean {
  for (let at = 0; at + 8 <= bytes.length; at += 8 + bytes.readUInt32LE(at)) {
    if (bytes[at + 4] === FrameType.MESSAGE && bytes[at + 5] === 1) return true;
  }
  return false;
}

const GRANT: [object, string] = [ExportTable.prototype, 'grant'];
const LEASE: [object, string] = [ImportedChunk.prototype, 'lease'];

/** The steps of a transfer, in order: of the sender, then of the receiver. */
const POINTS: Record<string, () => void> = {
  'a message to send': () => wrap(...GRANT, 'before', always),
  'sent the descriptor': () =>
    wrap(FrameWriter.prototype, 'frame', 'before', ([type]) => type === FrameType.GRANT),
  'announced it': () => atFrame(FrameType.MESSAGE, 'before', GRANT),
  'framed the message': () => atFrame(FrameType.MESSAGE, 'after', GRANT),
  'written the message': () =>
    wrap(
      MessageSocket.prototype,
      'write',
      'after',
      ([bytes]) => Buffer.isBuffer(bytes) && carriesBody(bytes),
    ),
  'read the grant': () => wrap(ImportTable.prototype, 'granted', 'before', always),
  'mapped the chunk': () => wrap(ImportTable.prototype, 'granted', 'after', always),
  'leased the chunk': () => wrap(...LEASE, 'after', always),
  'to acknowledge': () => atFrame(FrameType.ACKNOWLEDGE, 'before', LEASE),
  acknowledged: () => {
    const framed = once(...LEASE);
    wrap(MessageSocket.prototype, 'write', 'after', framed);
  },
};

/** Lets this process stop when it gets to a point of a transfer. */
export function stopAt(point: string): void {
  const install = POINTS[point];
  if (install === undefined) throw new Error(`There is no point '${point}'`);
  install();
}

export const SENDER_POINTS = Object.keys(POINTS).slice(0, 5);
export const RECEIVER_POINTS = Object.keys(POINTS).slice(5);
