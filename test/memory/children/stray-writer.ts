/**
 * A program that fills buffers of a pool of kind 'protect', says so, and then writes where it must not. Its
 * argument says into what.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { receive } from '../../../src/network/receive.ts';
import { createPolicy } from '../../../src/store/policies/index.ts';
import { Store } from '../../../src/store/store.ts';
import type { StrayWrite } from './stray-writes.ts';

const LARGE = 1024 ** 2;
const pool = createPool({ kind: 'protect' });

function sealed(size: number): { bytes: Buffer; aggregate: Aggregate } {
  const draft = pool.allocate(size);
  const { bytes } = draft;
  bytes.fill('a');
  return { bytes, aggregate: draft.seal() };
}

function viewOf(aggregate: Aggregate): Buffer {
  return aggregate.views()[0] as Buffer;
}

async function received(): Promise<Uint8Array> {
  const server = createServer(socket => socket.write('hello')).listen(0);
  const socket: Socket = connect((server.address() as AddressInfo).port);
  await once(socket, 'connect');
  for await (const part of receive(socket, { pool })) return viewOf(part);
  throw new Error('nothing came');
}

const CASES: Record<StrayWrite, () => Uint8Array | Promise<Uint8Array>> = {
  'a draft kept past seal()': () => sealed(LARGE).bytes,
  'a small draft kept past seal()': () => sealed(10).bytes,
  'a discarded draft': () => {
    const draft = pool.allocate(LARGE);
    const { bytes } = draft;
    bytes.fill('a');
    draft.discard();
    return bytes;
  },
  'a copy': () => viewOf(pool.from('hello')),
  'the neighbour of a copy': () => {
    const first = pool.from('hello');
    pool.from('world');
    return viewOf(first);
  },
  'the neighbour before a draft': () => {
    const { aggregate } = sealed(10);
    pool.allocate(10).bytes.fill('b');
    return viewOf(aggregate);
  },
  'a copy made behind a draft': () => {
    const draft = pool.allocate(10);
    const copy = pool.from('hello');
    draft.bytes.fill('b');
    return viewOf(copy);
  },
  'a copy made behind a draft that was discarded': () => {
    pool.allocate(10).discard();
    const draft = pool.allocate(100);
    const copy = pool.from('hello');
    draft.bytes.fill('b');
    return viewOf(copy);
  },
  'what was appended': () => {
    const aggregate = new Aggregate(undefined, pool.chunks);
    aggregate.append('one');
    const view = viewOf(aggregate);
    aggregate.append('two');
    return view;
  },
  'a refilled buffer': () => {
    sealed(LARGE).aggregate.release();
    const again = sealed(LARGE);
    if (pool.stats().recycled !== 1) throw new Error('it was not refilled');
    return again.bytes;
  },
  'a refilled header': () => {
    sealed(LARGE).aggregate.release();
    return new Uint8Array(sealed(LARGE).bytes.buffer);
  },
  'what was received': received,
  'a content of a store': () => {
    const budget = 4 * LARGE;
    const store = new Store<{ seed: number }>({ budget, policy: createPolicy('lru', budget), pool });
    const room = store.allocate(100);
    const [piece] = room!.pieces;
    piece!.bytes.fill('a');
    store.put('a', { seed: 1 }, undefined, room!);
    store.allocate(100)!.pieces[0]!.bytes.fill('b');
    return piece!.bytes;
  },
};

const bytes = await CASES[process.argv[2] as StrayWrite]();
console.log(JSON.stringify(bytes[0]));
setImmediate(() => {
  bytes[0] = 0x58;
  console.log(JSON.stringify('written'));
});
