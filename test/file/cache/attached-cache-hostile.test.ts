import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { Json } from '../../../src/base/json.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import { connect } from '../../../src/ipc/meet/connect.ts';
import type { Message } from '../../../src/ipc/message.ts';
import { WatchedEndpoint } from '../../ipc/support/watched-endpoint.ts';
import { watchdog } from '../../support/watchdog.ts';

const ATTACHER = new URL('../children/watched-attacher.ts', import.meta.url);
const FACTS = { size: 4, mtimeMs: 0, etag: '"a"', mediaType: 'text/plain' };
/** What an honest owner answers to a question. */
const VERSION = { serial: 1, facts: FACTS, parts: [['', 4]], until: 0, term: 0, keep: true, pinned: false };
/** About as many as a head of 1 MiB may name. */
const MANY = 60_000;

let attacher: WatchedEndpoint;
const pool = createPool();
before(async () => {
  attacher = new WatchedEndpoint(ATTACHER, [], ['--single-threaded-gc']);
  await attacher.start();
  // What is only slow the first time is not the owner's doing.
  await withstand('an honest owner', {}, ['/a', '/b'], outcomes => assert.deepEqual(outcomes, [4, 4]));
});
after(async () => {
  await attacher[Symbol.asyncDispose]();
  pool.close();
});

/** What an owner of a cache says that does as it likes; what is not given here is honest. */
interface Owner {
  /** @param n how many questions came before */
  read?(key: string, n: number): Message;
  /** To the question for news. @param n how often that was answered; undefined: never */
  news?(n: number): Json | undefined;
  /** Asked for without the first bytes. */
  readonly start?: number;
}

/** Has a cache attach to an owner and read, and sees that its loop never stands still, and that it ends. */
async function withstand(
  name: string,
  owner: Owner,
  keys: readonly string[],
  check: (outcomes: readonly (number | string)[]) => void = () => {},
): Promise<void> {
  await attacher.withstand(async () => {
    await using channel = await connect(attacher.path);
    serve(channel, owner);
    const { start = 0 } = owner;
    const { head } = await watchdog(channel.request({ head: { keys: [...keys], start } }), name, 30_000);
    check(head as (number | string)[]);
  }, name);
}

function serve(channel: Channel, { read, news }: Owner): void {
  let [questions, told] = [0, 0];
  channel.onRequest(({ head }) => {
    const { type, key } = head as { type: string; key: string };
    if (type === 'files.attach') return { head: { maxStale: 1000, budget: 1024 ** 2 } };
    if (type === 'files.report') return {};
    if (type === 'files.read') return read?.(key, questions++) ?? answer(VERSION);
    const said = news?.(told++);
    return said === undefined ? new Promise(() => {}) : { head: said };
  });
}

function answer(head: Json, text = 'text'): Message {
  return { head, body: pool.from(text) };
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `/${i}`);

test('versions of very many parts do not stop who reads them', async () => {
  const parts = Array.from({ length: MANY }, (_, i) => [i.toString(36), 0]);
  await withstand('parts', { read: () => answer({ ...VERSION, parts }) }, numbered(4));
});

test('nor does news of very many versions, nor news again and again', async () => {
  for (const [name, said] of Object.entries({
    left: { left: Array.from({ length: MANY }, (_, i) => [`/${i}`, 9]) },
    terms: { terms: Array.from({ length: MANY }, (_, i) => [i, 9]) },
    nothing: {},
  })) {
    const news = (n: number): Json | undefined => (n < (name === 'nothing' ? 5000 : 20) ? said : undefined);
    await withstand(name, { news }, numbered(200));
  }
});

test('what no owner says ends a question with a code, and the program goes on', async () => {
  const heads: Json[] = [null, 7, [], {}, 'text', { same: true }, { ...VERSION, parts: 7 }];
  for (const facts of [null, 7, [], {}, { ...FACTS, size: -1 }, { ...FACTS, size: 'x' }])
    heads.push({ ...VERSION, facts });
  for (const extent of [0, -1, 1e-300, 'x', null]) heads.push({ ...VERSION, facts: { ...FACTS, extent } });
  for (const head of heads) {
    await withstand(JSON.stringify(head), { read: () => answer(head) }, ['/a'], ([outcome]) =>
      assert.equal(outcome, 'ERR_IOLITE_PROTOCOL', JSON.stringify(head)),
    );
  }
});

test('links that go in a circle, and extents that are not as long as they should be, end', async () => {
  const link = (key: string, n: number): Message => ({
    head: { ...VERSION, serial: n + 1, facts: { ...FACTS, target: `${key}x` }, parts: [] },
  });
  await withstand('links', { read: link }, numbered(20), outcomes =>
    assert.deepEqual(new Set(outcomes), new Set(['ELOOP'])),
  );
  const large = { ...VERSION, facts: { ...FACTS, size: Number.MAX_SAFE_INTEGER, extent: 1 }, parts: [] };
  const extents = (key: string, n: number): Message =>
    key.includes('\0')
      ? answer({ ...VERSION, serial: n + 2, parts: [['', 0]] }, '')
      : { head: { ...large, pinned: true } };
  for (const start of [0, 10]) {
    await withstand('extents', { read: extents, start }, ['/a'], ([outcome]) =>
      assert.equal(outcome, 'ERR_IOLITE_PROTOCOL'),
    );
  }
});
