/** The aggregate against npm's bl. Both hold the same chunks, and neither copies them in. */
import { BufferList } from 'bl';
import { Aggregate } from '../src/aggregate/aggregate.ts';
import { createPool } from '../src/aggregate/pool.ts';
import type { PoolKind } from '../src/memory/pool-options.ts';
import { aggregateOf, chunksOf } from './chunks.ts';
import { type Comparison, compare, KiB, MiB, repeat, report } from './harness.ts';

/** Keeps results alive, so that no work is optimised away. */
let sink = 0;

const chunk = Buffer.alloc(64 * KiB, 'abcdefghijklmnopqrstuvwxyz0123456789');
const chunkAggregate = Aggregate.adopt(chunk);
/** Lines of about 40 bytes, in chunks whose borders fall anywhere. */
const lines = Buffer.from(
  Array.from({ length: 40_000 }, (_, i) => `GET /path/${i} key-${i * 7919} value=${i}\n`).join(''),
);

function listOf(chunks: readonly Buffer[]): BufferList {
  const list = new BufferList();
  for (const piece of chunks) list.append(piece);
  return list;
}

function parseOurs(chunks: readonly Buffer[]): void {
  using buffered = Aggregate.empty();
  for (const piece of chunks) {
    using part = Aggregate.adopt(piece);
    buffered.append(part);
    let start = 0;
    for (;;) {
      const end = buffered.indexOf(10, start);
      if (end === -1) break;
      sink += buffered.toString('utf8', start, end).length;
      start = end + 1;
    }
    buffered.trimStart(start);
  }
}

function parseList(chunks: readonly Buffer[]): void {
  const buffered = new BufferList();
  for (const piece of chunks) {
    buffered.append(piece);
    let start = 0;
    for (;;) {
      const end = buffered.indexOf('\n', start);
      if (end === -1) break;
      sink += buffered.toString('utf8', start, end).length;
      start = end + 1;
    }
    buffered.consume(start);
  }
}

/** Splits each line off instead of looking at positions: what most parsers do. */
function splitOurs(chunks: readonly Buffer[]): void {
  using buffered = Aggregate.empty();
  for (const piece of chunks) {
    using part = Aggregate.adopt(piece);
    buffered.append(part);
    for (;;) {
      const end = buffered.indexOf(10);
      if (end === -1) break;
      const line = buffered.slice(0, end);
      sink += line.toString().length;
      line.release();
      buffered.trimStart(end + 1);
    }
  }
}

function splitList(chunks: readonly Buffer[]): void {
  const buffered = new BufferList();
  for (const piece of chunks) {
    buffered.append(piece);
    for (;;) {
      const end = buffered.indexOf('\n');
      if (end === -1) break;
      const line = buffered.shallowSlice(0, end);
      sink += line.toString().length;
      buffered.consume(end + 1);
    }
  }
}

const many = chunksOf(Buffer.alloc(4 * MiB, 'typed reads over borders '), 1000);
const manyOurs = aggregateOf(many);
const manyList = listOf(many);

const window = aggregateOf(Array.from({ length: 16 }, () => chunk));
const windowList = listOf(Array.from({ length: 16 }, () => chunk));

const needle = Buffer.from('needle');
const hay = Buffer.alloc(4 * MiB, 'abcdefghijklmnopqrstuvwxy ');
needle.copy(hay, hay.length - needle.length - 3);
const hayChunks = chunksOf(hay, 4099);
const hayOurs = aggregateOf(hayChunks);
const hayList = listOf(hayChunks);

const againstList: Comparison[] = [
  {
    name: 'append and consume 64 KiB chunks, 16 waiting',
    peerName: 'bl',
    ours: repeat(() => {
      window.append(chunkAggregate);
      window.trimStart(64 * KiB);
    }),
    peer: repeat(() => {
      windowList.append(chunk);
      windowList.consume(64 * KiB);
    }),
    oursTimes: 200_000,
    peerTimes: 200_000,
  },
  {
    name: 'append and consume 64 KiB, 10,000 bytes at a time',
    peerName: 'bl',
    ours: repeat(() => {
      window.append(chunkAggregate);
      for (let i = 0; i < 6; i++) window.trimStart(10_000);
      window.trimStart(64 * KiB - 60_000);
    }),
    peer: repeat(() => {
      windowList.append(chunk);
      for (let i = 0; i < 6; i++) windowList.consume(10_000);
      windowList.consume(64 * KiB - 60_000);
    }),
    oursTimes: 50_000,
    peerTimes: 50_000,
  },
  ...[1000, 64 * KiB].flatMap((size): Comparison[] => {
    const chunks = chunksOf(lines, size);
    return [
      {
        name: `parse lines in place, chunks of ${size}`,
        peerName: 'bl',
        ours: repeat(() => parseOurs(chunks)),
        peer: repeat(() => parseList(chunks)),
        oursTimes: 2,
        peerTimes: 2,
      },
      {
        name: `split and decode lines, chunks of ${size}`,
        peerName: 'bl',
        ours: repeat(() => splitOurs(chunks)),
        peer: repeat(() => splitList(chunks)),
        oursTimes: 2,
        peerTimes: 2,
      },
    ];
  }),
  {
    name: 'typed reads in order (u32, u16, u8), slices of 1000',
    peerName: 'bl',
    ours: repeat(() => {
      for (let at = 0; at < 700_000; at += 7) {
        sink += manyOurs.readUInt32BE(at) + manyOurs.readUInt16LE(at + 4) + manyOurs.readUInt8(at + 6);
      }
    }),
    peer: repeat(() => {
      for (let at = 0; at < 700_000; at += 7) {
        sink += manyList.readUInt32BE(at) + manyList.readUInt16LE(at + 4) + manyList.readUInt8(at + 6);
      }
    }),
    oursTimes: 5,
    peerTimes: 1,
  },
  {
    name: 'shallow slices of 10,000 bytes, slices of 1000',
    peerName: 'bl',
    ours: repeat(() => {
      for (let at = 0; at < 4 * MiB - 10_000; at += 9973) {
        const part = manyOurs.slice(at, at + 10_000);
        sink += part.length;
        part.release();
      }
    }),
    peer: repeat(() => {
      for (let at = 0; at < 4 * MiB - 10_000; at += 9973) {
        sink += manyList.shallowSlice(at, at + 10_000).length;
      }
    }),
    oursTimes: 100,
    peerTimes: 20,
  },
  {
    name: 'indexOf over 4 MiB in slices of 4099',
    peerName: 'bl',
    ours: repeat(() => {
      sink += hayOurs.indexOf(needle);
    }),
    peer: repeat(() => {
      sink += hayList.indexOf(needle);
    }),
    oursTimes: 10,
    peerTimes: 1,
  },
  {
    name: 'toString of 4 MiB in slices of 1000',
    peerName: 'bl',
    ours: repeat(() => {
      sink += manyOurs.toString('latin1').charCodeAt(5);
    }),
    peer: repeat(() => {
      sink += manyList.toString('latin1').charCodeAt(5);
    }),
    oursTimes: 5,
    peerTimes: 5,
  },
  {
    name: 'duplicate, 4195 slices',
    peerName: 'bl',
    ours: repeat(() => {
      const copy = manyOurs.duplicate();
      sink += copy.length;
      copy.release();
    }),
    peer: repeat(() => {
      sink += manyList.duplicate().length;
    }),
    oursTimes: 10_000,
    peerTimes: 20,
  },
];

/** What it costs to fill a buffer and to release it, by kind of pool. */
function fill(kind: PoolKind, size: number): (times: number) => void {
  const pool = createPool({ kind });
  const content = Buffer.alloc(size, 'x');
  return repeat(() => pool.from(content).release());
}

const againstRecycle = ([MiB, 64 * KiB, KiB] as const).flatMap((size): Comparison[] =>
  (['protect', 'seal'] as const).map(kind => ({
    name: `fill and release a buffer of ${size} in a pool of kind ${kind}`,
    peerName: 'recycle',
    ours: fill(kind, size),
    peer: fill('recycle', size),
    oursTimes: kind === 'seal' ? 20 : 500,
    peerTimes: size === MiB ? 500 : 5000,
  })),
);

report('aggregate', await compare([...againstList, ...againstRecycle], 5));
if (Number.isNaN(sink)) console.log(sink);
