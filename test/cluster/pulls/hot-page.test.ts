import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hotPages, readHotPage } from '../../../src/cluster/pulls/hot-page.ts';
import type { HotResponse } from '../../../src/http/proxy/cache/hot-response.ts';

function hot(index: number): HotResponse {
  return { target: `http://shop.example/${index}`, size: index, uses: 1, selecting: ['accept', 'text/*'] };
}

function read(pages: Iterable<string>) {
  return [...pages].map(page => {
    const made = readHotPage(Buffer.from(page));
    assert.ok(made !== undefined);
    return made;
  });
}

test('a list goes in pages that a server takes, and comes as it was', () => {
  const list = Array.from({ length: 1000 }, (_, index) => hot(index));
  const pages = [...hotPages('e', list, { pages: 100, bytes: 4096 })];
  assert.ok(pages.length > 10);
  assert.ok(pages.every(page => Buffer.byteLength(page) <= 4096));
  const all = read(pages);
  assert.deepEqual(
    all.flatMap(({ responses }) => responses),
    list,
  );
  assert.deepEqual(
    all.map(({ isLast }) => isLast),
    all.map((_, index) => index === all.length - 1),
  );
});

test('without a bound of the server pages are of 256 KiB at most', () => {
  const list = Array.from({ length: 20_000 }, (_, index) => hot(index));
  const pages = [...hotPages('e', list, { pages: 100, bytes: 2 ** 30 })];
  assert.ok(pages.length > 3);
  assert.ok(pages.every(page => Buffer.byteLength(page) <= 256 * 1024));
});

test('a list that is too long ends early, and says so', () => {
  const list = Array.from({ length: 1000 }, (_, index) => hot(index));
  const pages = read(hotPages('e', list, { pages: 3, bytes: 4096 }));
  assert.equal(pages.length, 3);
  assert.equal(pages.at(-1)?.isLast, true);
});

test('a list of nothing is a page', () => {
  assert.deepEqual(read(hotPages('e', [], { pages: 3, bytes: 4096 })), [
    { epoch: 'e', isLast: true, responses: [] },
  ]);
});

test('what is no page, or no entry of one, is not read', () => {
  for (const text of ['', '[]', '{"epoch":1,"isLast":true,"list":[]}', '{"epoch":"e","isLast":true}'])
    assert.equal(readHotPage(Buffer.from(text)), undefined, text);
  const entries = [
    [],
    [1, 1, 1],
    ['/', -1, 1],
    ['/', 1, 0.5],
    ['/', 1, 1, 'a'],
    ['/', 1, 1, 'a', 'b\r\nc: d'],
  ];
  const page = { epoch: 'e', isLast: true, list: [...entries, null, ['/', 1, 2, 'a', 'b']] };
  assert.deepEqual(readHotPage(Buffer.from(JSON.stringify(page)))?.responses, [
    { target: '/', size: 1, uses: 2, selecting: ['a', 'b'] },
  ]);
});
