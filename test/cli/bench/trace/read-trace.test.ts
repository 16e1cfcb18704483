import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { readTrace, type TraceFile } from '../../../../src/cli/bench/trace/read-trace.ts';
import { UserError } from '../../../../src/cli/user-error.ts';
import { Folder } from '../../../support/folder.ts';

async function read(content: string | Buffer): Promise<TraceFile> {
  using folder = new Folder();
  writeFileSync(folder.file('trace'), content);
  return await readTrace(folder.file('trace'));
}

function requestsOf({ trace: { names, files, sizes } }: TraceFile): [string, number][] {
  return Array.from(files, (file, i) => [names[file] as string, sizes[i] as number]);
}

const LOG = [
  'h - - [d] "GET /b HTTP/1.1" 304 -',
  'h - - [d] "GET /a HTTP/1.1" 206 10',
  'h - - [d] "GET /a HTTP/1.1" 200 100',
  'h - - [d] "GET /a HTTP/1.1" 200 60',
  'nonsense',
  'h - - [d] "GET /a HTTP/1.1" 304 -',
  'h - - [d] "GET /missing HTTP/1.1" 404 200',
];

test('requests of a log are for whole files, as far as their size is known', async () => {
  for (const end of ['\n', '\r\n']) {
    const file = await read(LOG.join(end));
    assert.deepEqual(requestsOf(file), Array(4).fill(['/a', 100]));
    assert.equal(file.skippedLines, 2);
    assert.equal(file.trace.distinctBytes, 100);
  }
});

test('requests of a table have the size that is told, with comments and empty lines left out', async () => {
  const file = await read('# from somewhere\n\ntime,key,size\n1,a,5\n2,b,0\n3,a,7\n');
  assert.deepEqual(requestsOf(file), [
    ['a', 5],
    ['b', 0],
    ['a', 7],
  ]);
  assert.equal(file.trace.distinctBytes, 7);
});

test('compressed traces are read as others, of several members, and longer than one read', async () => {
  const half = Array.from({ length: 20_000 }, (_, i) => `${i},key ${i % 5000},${i % 100}\n`).join('');
  const plain = await read(half + half);
  assert.equal(plain.trace.files.length, 40_000);
  assert.equal(plain.trace.names.length, 5000);
  assert.deepEqual(await read(Buffer.concat([gzipSync(half), gzipSync(half)])), plain);
});

test('what cannot be read, or is no trace, is told as such', async () => {
  using folder = new Folder();
  mkdirSync(folder.file('folder'));
  await assert.rejects(readTrace(folder.file('none')), /No such file/);
  await assert.rejects(readTrace(folder.file('folder')), /directory/i);
  const fails = async (content: string | Buffer, message: RegExp): Promise<void> => {
    await assert.rejects(read(content), error => error instanceof UserError && message.test(error.message));
  };
  await fails('', /no line tells/);
  await fails('time,key,size\n', /no line tells/);
  await fails('<html>\n', /first line/);
  await fails(Buffer.alloc(3 * 1024 ** 2), /a line has more than/);
  await fails(gzipSync('1,a,5\n').subarray(0, 15), /unexpected end of file/);
  await fails(Buffer.of(0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), /Cannot read trace/);
});

test('whatever the bytes are, they are a trace or told to be none', async () => {
  using folder = new Folder();
  const piece = fc.oneof(
    fc.constantFrom(
      ...LOG,
      'time,key,size',
      '1,a,5',
      '"',
      ',',
      '\n',
      '\r',
      '\0',
      '#',
      '\x1f\x8b',
      '[',
      '] "GET /',
    ),
    fc.string({ unit: 'binary', maxLength: 10 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece), fc.boolean(), async (pieces, compressed) => {
      const bytes = Buffer.from(pieces.join(''), 'latin1');
      writeFileSync(folder.file('trace'), compressed ? gzipSync(bytes).subarray(0, -pieces.length) : bytes);
      const { trace } = await readTrace(folder.file('trace')).catch(error => {
        assert(error instanceof UserError, String(error));
        return { trace: undefined };
      });
      if (trace !== undefined) assert(trace.files.length > 0 && trace.sizes.every(Number.isSafeInteger));
    }),
  );
});
