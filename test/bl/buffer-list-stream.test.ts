import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createReadStream, createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { Duplex, PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import BufferListStream, { BufferList } from '../../src/bl/index.ts';
import { Folder } from '../support/folder.ts';
import { watchdog } from '../support/watchdog.ts';

/** What the callback of a list is given when `feed` has fed it. */
function collected(
  feed: (list: BufferListStream) => void,
): Promise<{ error: Error | null; bytes?: Buffer; args: number }> {
  const settled = new Promise<{ error: Error | null; bytes?: Buffer; args: number }>(resolve => {
    feed(
      new BufferListStream((...args) => {
        const [error, bytes] = args;
        resolve({ error, args: args.length, ...(bytes === undefined ? {} : { bytes }) });
      }),
    );
  });
  return watchdog(settled, 'the callback');
}

function closed(stream: Duplex): Promise<unknown> {
  return watchdog(new Promise(resolve => stream.once('close', resolve)), 'a stream to close');
}

test('the callback gets all bytes when the source has ended, and the list keeps them', async () => {
  let list: BufferListStream | undefined;
  const { error, bytes } = await collected(made => {
    list = made;
    Readable.from([Buffer.from('first '), 'second ', new Uint8Array([0x33])]).pipe(made);
  });
  assert.equal(error, null);
  assert.equal(bytes?.toString(), 'first second 3');
  assert.equal(list?.toString(), 'first second 3');
});

test('the callback gets the first error of a stream that is piped in, and nothing later', async () => {
  const calls: unknown[] = [];
  const list = new BufferListStream((...args) => calls.push(args));
  const [first, second] = [new PassThrough(), new PassThrough()];
  first.pipe(list);
  second.pipe(list);
  const [one, two] = [new Error('one'), new Error('two')];
  second.on('error', () => {});
  first.destroy(one);
  await closed(first);
  second.destroy(two);
  await closed(second);
  list.end();
  assert.deepEqual(calls, [[one]]);
});

test('errors of a stream that was unpiped are its own', async () => {
  const calls: unknown[] = [];
  const list = new BufferListStream((...args) => calls.push(args));
  const source = new PassThrough();
  source.pipe(list);
  source.unpipe(list);
  assert.equal(source.listenerCount('error'), 0);
  list.end('x');
  assert.deepEqual(calls, [[null, Buffer.from('x')]]);
});

test('reading consumes, and ends when there is nothing', async () => {
  const list = new BufferListStream(['abc', 'def']);
  assert.equal(list.read(2)?.toString(), 'ab');
  const ended = once(list, 'end');
  const chunks: Buffer[] = [];
  list.on('data', chunk => chunks.push(chunk));
  await watchdog(ended, 'the end');
  assert.equal(Buffer.concat(chunks).toString(), 'cdef');
  assert.equal(list.length, 0);
});

test('a list is piped through: from a file, and to a file', async () => {
  using folder = new Folder();
  const content = Buffer.alloc(300_001, 'some text over many chunks ');
  writeFileSync(folder.file('in'), content);
  const list = new BufferListStream();
  await watchdog(pipeline(createReadStream(folder.file('in')), list), 'the list to fill');
  assert.equal(list.length, content.length);
  assert.equal(list.indexOf('chunks', 200_000), content.indexOf('chunks', 200_000));
  const copy = list.duplicate();
  await watchdog(pipeline(list, createWriteStream(folder.file('out'))), 'the list to drain');
  assert.equal(list.length, 0);
  assert.ok(readFileSync(folder.file('out')).equals(content));
  assert.ok(copy.slice().equals(content));
});

test('what is written with an encoding is decoded, and seen at once', () => {
  const list = new BufferListStream();
  list.write('616263', 'hex');
  list.write(Buffer.from('d'));
  assert.equal(list.toString(), 'abcd');
  assert.ok(list instanceof Duplex);
});

test('destroy() drops the bytes, and gives the memory of pools back at once', async () => {
  const pool = createPool({ memory: 'heap' });
  const list = new BufferListStream('abc');
  {
    using aggregate = pool.from('def');
    list.append(aggregate);
  }
  pool.close();
  assert.equal(pool.stats().chunks, 1);
  const failed = once(list, 'error');
  const error = new Error('on purpose');
  list.destroy(error);
  assert.deepEqual([list.length, list.getBuffers(), pool.stats().chunks], [0, [], 0]);
  assert.deepEqual(await watchdog(failed, 'the error'), [error]);
});

test('a list with aggregates is piped on', async () => {
  const pool = createPool({ chunkSize: 8192 });
  const list = new BufferListStream();
  const content = Buffer.alloc(100_000, 'from a pool ');
  {
    using aggregate = pool.from(content);
    list.append(['>', aggregate]);
  }
  const { bytes } = await collected(target => list.pipe(target));
  assert.equal(bytes?.toString(), `>${content}`);
  pool.close();
  assert.equal(pool.stats().chunks, 0);
});

test('it has the methods of the list, and makes streams', () => {
  const list = new BufferListStream(new BufferList(['ab', 'cd']));
  assert.ok(list.shallowSlice(1, 3) instanceof BufferListStream);
  assert.ok(list.duplicate() instanceof BufferListStream);
  assert.equal(BufferListStream.name, 'BufferListStream');
  assert.equal(list.append('ef').prepend('>').consume(1), list);
  assert.equal(list.readUIntBE(1, 3), 0x626364);
  assert.ok(!(list instanceof BufferList) && BufferList.isBufferList(list));
});
