import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { ServerRequest } from '../../../../src/http/message/exchange.ts';
import { answerOf } from '../../../../src/http/message/promised-answer.ts';
import { compact, heapOf } from '../../../../src/http/proxy/cache/entry-heap.ts';
import type { StoredFacts } from '../../../../src/http/proxy/cache/response-facts.ts';
import { Harness } from '../support/harness.ts';

const MiB = 1024 ** 2;
const gc = globalThis.gc;

function get(target: string, fields: Record<string, string> = {}): ServerRequest {
  const headers: Record<string, string> = { host: 'a.example', ...fields };
  return {
    method: 'GET',
    target,
    secure: false,
    remoteAddress: '192.0.2.1',
    rawHeaders: Object.entries(headers).flat(),
    header: name => headers[name],
    body: undefined,
  };
}

async function heapUsed(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    gc?.();
    await turn();
  }
  return process.memoryUsage().heapUsed;
}

test('pages of a byte whose targets are long stay within the budget, heap included', {
  skip: gc === undefined && 'needs --expose-gc',
}, async () => {
  const budget = 8 * MiB;
  await using harness = await Harness.start(
    (_, response) => {
      harness.asked.length = 0;
      response.setHeader('Cache-Control', 'max-age=3600').end('x');
    },
    { budget, govern: false },
  );
  const { proxy } = harness;
  const targets = (index: number): string => `/page?${'q'.repeat(14_000)}${index}`;
  const ask = async (index: number, fields?: Record<string, string>): Promise<number> => {
    const answer = await answerOf(proxy, get(targets(index), fields));
    const { status, body } = answer ?? {};
    if (body !== undefined && Symbol.asyncIterator in body) for await (const piece of body) piece.release();
    else body?.release();
    return status as number;
  };
  await ask(-1);
  const before = await heapUsed();
  const count = 2500;
  for (let i = 0; i < count; i += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, index) => ask(i + index)));
  }
  const grown = (await heapUsed()) - before;
  assert.ok(grown < budget, `${grown} bytes of heap beside a budget of ${budget}`);
  let kept = 0;
  for (let i = 0; i < count; i++) {
    if ((await ask(i, { 'cache-control': 'only-if-cached' })) === 200) kept += 1;
  }
  assert.equal(kept, count);
});

test('heapOf() counts the key, and the fields as far as they are not kept once for all', () => {
  const facts = (headers: string[]): StoredFacts => {
    return { kind: 'response', status: 200, headers, requestedAt: 0, receivedAt: 0 };
  };
  const none = heapOf('', facts([]));
  assert.equal(heapOf('x'.repeat(100), facts([])), none + 100);
  const [narrow, wide] = ['y', 'y'.repeat(1001)].map(value => heapOf('', facts(['X-A', value])));
  assert.equal(wide, (narrow as number) + 1000);
  assert.ok((narrow as number) > none);
  const long = 'x'.repeat(1000);
  assert.ok(heapOf('', facts([long, ''])) > none + 1000);
});

test('compact() changes nothing that is known', () => {
  const headers = ['ETag', '"a"', 'Via', '1.1 x', 'X-Long', 'y'.repeat(5000)];
  const facts: StoredFacts = { kind: 'response', status: 200, headers, requestedAt: 1, receivedAt: 2 };
  for (let i = 0; i < 5000; i++) compact({ ...facts, headers: ['X-Number', `${i}`] });
  assert.deepEqual(compact(facts), facts);
  const variants: StoredFacts = { kind: 'variants', fields: ['accept'], epoch: '1' };
  assert.equal(compact(variants), variants);
});
