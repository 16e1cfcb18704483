import { createPool } from '../../src/aggregate/pool.ts';
import type { Slice } from '../../src/aggregate/slice.ts';
import type { ImportTable } from '../../src/ipc/chunks/import-table.ts';
import { readQuestion } from '../../src/ipc/chunks/questions.ts';
import { decodeMessage } from '../../src/ipc/decode-message.ts';
import { failureOf, readReason } from '../../src/ipc/wire/failure.ts';
import {
  type Frame,
  FrameReader,
  FrameType,
  MAX_FRAME_BYTES,
  Postponed,
  protocolError,
} from '../../src/ipc/wire/frame.ts';
import { readGreeting } from '../../src/ipc/wire/greeting.ts';
import { HeadMemo } from '../../src/ipc/wire/head.ts';
import { DEFAULT_QUOTAS } from '../../src/ipc/wire/quotas.ts';
import { weightOfMessage } from '../../src/ipc/wire/weight.ts';
import { rawFrame } from '../../test/support/hostile.ts';
import { HEADER_BYTES, HEADS, LOCKED, makeFrames, OURS, SIZE } from '../channel-frames.ts';
import { Random, seedOf } from '../random.ts';
import { agree, type Target } from '../target.ts';

const pool = createPool({ name: 'fuzz', chunkSize: SIZE });
const held = pool.from(Buffer.alloc(1024, 'fuzz'));
const { lease } = held.slices()[0] as Slice;
const { generation } = lease;
const heads = new HeadMemo();

/** The frames of a channel, and what is read from each: against a flat reading, however they are cut. */
export const frames: Target = {
  name: 'frames',
  covers: ['ipc/wire/', 'ipc/decode-message.', 'ipc/chunks/questions.'],
  tokens: [
    ...HEADS,
    ...[2, 4, 8].map(length => Buffer.alloc(length)),
    ...Object.values(FrameType).map(type => rawFrame(type, Buffer.alloc(4))),
  ],
  make: makeFrames,
  run: bytes => {
    const flat = flatFrames(bytes);
    agree('the frames', read([bytes]), flat);
    agree('the frames in pieces', read(new Random(seedOf(bytes)).cut(bytes)), flat);
    for (const each of flat) if (each !== 'refused') understand(each);
  },
  close: () => {
    held.release();
    pool.close();
  },
};

type Told = readonly [type: number, flags: number, body: string];

function read(pieces: readonly Buffer[]): (Told | 'refused')[] {
  const told: (Told | 'refused')[] = [];
  const reader = new FrameReader();
  try {
    for (const piece of pieces)
      reader.push(piece, ({ type, flags, body }) => told.push([type, flags, body.toString('hex')]));
  } catch (error) {
    expected(error);
    told.push('refused');
  }
  return told;
}

function flatFrames(bytes: Buffer): (Told | 'refused')[] {
  const told: (Told | 'refused')[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (bytes.readUInt16LE(at + 6) !== 0 || length > MAX_FRAME_BYTES) return [...told, 'refused'];
    if (at + 8 + length > bytes.length) break;
    const [type = 0, flags = 0] = bytes.subarray(at + 4);
    told.push([type, flags, bytes.toString('hex', at + 8, at + 8 + length)]);
    at += 8 + length;
  }
  return told;
}

/** Reads a frame as a channel does. */
function understand([type, flags, body]: Told): void {
  const bytes = Buffer.from(body, 'hex');
  new FrameReader().push(rawFrame(type, bytes, flags), each => {
    try {
      if (type === FrameType.MESSAGE) message(each);
      else if (type === FrameType.ASK)
        readQuestion(each, index => (index === OURS ? lease.chunk : undefined));
      else if (type === FrameType.STOP && bytes.length >= 4) failureOf(readReason(bytes, 4));
      else if (type === FrameType.CUT) failureOf(readReason(bytes, 0));
      else readGreeting(each);
    } catch (error) {
      expected(error);
    }
  });
}

function message(each: Frame): void {
  const before = lease.references;
  const { body } = each;
  try {
    const known = body.length % 2 === 0 ? heads : undefined;
    const taken = decodeMessage(each, importsOf(), DEFAULT_QUOTAS, () => {}, known);
    const [kind, correlation, length = 0, count = 0] = [0, 4, 8, 12].map(at => body.readUInt32LE(at));
    let bytes = 0;
    for (let i = 0; i < count; i++) bytes += body.readUInt32LE(16 + length + 16 * i + 12);
    const text = body.toString('utf8', 16, 16 + length);
    agree('the kind and the correlation', [taken.kind, taken.correlation], [kind, correlation]);
    agree('the head', taken.message.head, length === 0 ? undefined : JSON.parse(text));
    agree('the length', taken.message.body?.length, (each.flags & 1) === 0 ? undefined : bytes);
    if (taken.weight < weightOfMessage(0, count)) throw new Error('A message weighs less than its slices');
    taken.message.body?.release();
  } finally {
    agree('what is held afterwards', lease.references, before);
  }
}

function importsOf(): ImportTable {
  const lend: ImportTable['lease'] = (index, wanted, start, end) => {
    if (index === LOCKED) throw new Postponed(new Error('It is locked'));
    const isOurs = index === OURS && wanted === generation && start >= HEADER_BYTES && end <= SIZE;
    if (!isOurs) throw protocolError('there is no such slice');
    return lease;
  };
  return { lease: lend } as ImportTable;
}

/** @throws the error, unless it is one of those that a channel ends, or waits, with */
function expected(error: unknown): void {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (!(error instanceof Postponed) && !code.startsWith('ERR_IOLITE_')) throw error;
}
