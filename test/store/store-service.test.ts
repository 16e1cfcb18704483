import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../src/base/json.ts';
import { encodeHead } from '../../src/ipc/wire/head.ts';
import { createPolicy } from '../../src/store/policies/index.ts';
import { serveStore } from '../../src/store/serve-store.ts';
import { Store } from '../../src/store/store.ts';
import type { News, VersionHead } from '../../src/store/store-protocol.ts';
import { type StoreOwner, StoreService } from '../../src/store/store-service.ts';
import { StoredVersion } from '../../src/store/stored-version.ts';
import { ALWAYS, Term } from '../../src/store/term.ts';
import { ChannelPair } from '../support/channel-pair.ts';
import { watchdog } from '../support/watchdog.ts';

const MiB = 1024 ** 2;
type Facts = { readonly text: string };

/** A store whose versions have a term that runs out at once, each another one. */
class Fixture {
  readonly store = new Store<Facts>({ budget: MiB, policy: createPolicy('lru', MiB) });
  readonly used: number[] = [];
  readonly owner: StoreOwner<Facts>;

  constructor() {
    this.owner = {
      greeting: { maxStale: 0, budget: MiB },
      find: key => {
        const entry = this.store.get(key) ?? this.store.put(key, { text: key }, undefined, undefined);
        return { held: entry.held.retain(), until: 0, term: new Term() };
      },
      bySerial: serial => this.store.bySerial(serial),
      used: (_, times) => void this.used.push(times),
    };
  }

  [Symbol.dispose](): void {
    this.store.close();
  }
}

test('what a report says twice or of nothing changes nothing; what is none is refused', async () => {
  using fixture = new Fixture();
  using pair = new ChannelPair();
  const { store, owner } = fixture;
  serveStore({ name: 'test', title: 'test', store, owner }, pair.near);
  const ask = async (type: string, rest: { readonly [name: string]: Json } = {}): Promise<Json> => {
    const { head = null, body } = await watchdog(
      pair.far.request({ head: { type: `test.${type}`, ...rest } }),
      `an answer to ${type}`,
    );
    body?.release();
    return head as Json;
  };
  await ask('attach');
  const { serial } = (await ask('read', { key: 'a' })) as unknown as VersionHead;
  const entry = store.get('a');
  assert.deepEqual([entry?.indexes, entry?.holders], [1, 1]);
  const nothing = { used: [], forgot: [], held: [], freed: [] };
  const strange = [0, -1, 1.5, serial + 1, Number.MAX_SAFE_INTEGER];
  const many = Array.from({ length: 20_000 }, (_, i) => i);
  for (const report of [
    { held: strange },
    { freed: strange },
    { forgot: strange },
    { used: strange.map(number => [number, 1]) },
    { held: [serial, serial, serial] },
    { freed: [serial, serial], held: [serial, serial] },
    { freed: many, forgot: many, held: many },
  ])
    await ask('report', { ...nothing, ...report });
  assert.deepEqual([entry?.indexes, entry?.holders], [1, 0]);
  for (const list of [null, 1, 'text', {}, [null], ['text'], [[1]], [{}]] as Json[])
    for (const name of ['used', 'forgot', 'held', 'freed'])
      await assert.rejects(
        ask('report', { ...nothing, held: [serial], [name]: list }),
        { code: 'ERR_IOLITE_ARGUMENT' },
        `${name}: ${JSON.stringify(list)}`,
      );
  for (const use of [
    [serial],
    [serial, 'x'],
    [serial, -1e9],
    [serial, 1e300],
    [serial, 0.5],
    [serial, 1, 1],
    serial,
  ] as Json[])
    await assert.rejects(ask('report', { ...nothing, used: [use] }), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.deepEqual([entry?.indexes, entry?.holders, fixture.used], [1, 0, []]);
  await ask('report', { ...nothing, forgot: [serial, serial], used: [[serial, 3]] });
  assert.equal(entry?.indexes, 0);
  store.stats();
});

test('however many terms have run out, a service remembers few of them', async () => {
  using fixture = new Fixture();
  const service = new StoreService<Facts>('test', fixture.owner, undefined);
  const ask = async (type: string): Promise<void> => {
    const answer = await service.handle({ head: { type: `test.${type}`, key: 'a' } });
    answer?.body?.release();
  };
  await ask('attach');
  for (let i = 0; i < 2000; i++) await ask('read');
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 50_000; i++) await ask('read');
  globalThis.gc?.();
  const grown = process.memoryUsage().heapUsed - before;
  // Each one would be some ninety.
  assert.ok(grown < 2 * MiB, `${grown} bytes`);
  service.close();
});

test('of very many that have left an index is told in pieces, each of which is a message', async () => {
  using fixture = new Fixture();
  const service = new StoreService<Facts>(
    'test',
    {
      ...fixture.owner,
      find: (...asked) =>
        ({ ...(fixture.owner.find(...asked) as object), until: ALWAYS, term: undefined }) as never,
    },
    undefined,
  );
  await service.handle({ head: { type: 'test.attach' } });
  const keyOf = (i: number): string => `${i}`.padEnd(4000, '\u0001');
  const count = 1000;
  for (let i = 0; i < count; i++) {
    (await service.handle({ head: { type: 'test.read', key: keyOf(i) } }))?.body?.release();
    service.left(fixture.store.get(keyOf(i))?.held as StoredVersion<Facts>, false);
  }
  const told: string[] = [];
  let isApplied = false;
  const applied = (service.applied() as Promise<void>).then(() => {
    isApplied = true;
  });
  while (told.length < count) {
    assert.equal(isApplied, false);
    const news = await watchdog(Promise.resolve(service.handle({ head: { type: 'test.watch' } })), 'news');
    encodeHead(news?.head);
    const { left = [] } = (news as { head: News }).head;
    for (const [key] of left) told.push(key);
  }
  assert.deepEqual(
    told,
    Array.from({ length: count }, (_, i) => keyOf(i)),
  );
  void service.handle({ head: { type: 'test.watch' } });
  await watchdog(applied, 'all to be applied');
  service.close();
});

test('an index that never asks what has left is detached, and waited for as long as it knows', async () => {
  using fixture = new Fixture();
  const { owner } = fixture;
  const service = new StoreService<Facts>('test', owner, undefined);
  await service.handle({ head: { type: 'test.attach' } });
  const entry = fixture.store.put('key', { text: 'key' }, undefined, undefined);
  let serial = 0;
  let until = 0;
  // A store that has many versions, as far as the service can see.
  const many: StoreOwner<Facts> = {
    ...owner,
    find: key => ({
      held: new StoredVersion<Facts>(key, ++serial, { text: key }, undefined),
      until,
      term: undefined,
    }),
    bySerial: () => entry,
  };
  const attached = new StoreService<Facts>('test', many, undefined);
  await attached.handle({ head: { type: 'test.attach' } });
  await attached.handle({ head: { type: 'test.read', key: 'of which it knows no end' } });
  assert.equal(attached.applied(), undefined, 'one that uses nothing without a question');
  serial = 0;
  until = ALWAYS;
  const most = 200_000;
  for (let i = 1; i <= most + 1; i++) {
    await attached.handle({ head: { type: 'test.read', key: `${i}` } });
    attached.left(new StoredVersion<Facts>(`${i}`, i, { text: '' }, undefined), false);
  }
  assert.equal(entry.indexes, 0);
  let isApplied = false;
  const applied = (attached.applied() as Promise<void>).then(() => {
    isApplied = true;
  });
  await new Promise(setImmediate);
  assert.equal(isApplied, false);
  const news = await watchdog(Promise.resolve(attached.handle({ head: { type: 'test.watch' } })), 'news');
  assert.deepEqual(news?.head, { closed: true, over: true });
  await new Promise(setImmediate);
  assert.equal(isApplied, false, 'before it has done so');
  await attached.handle({ head: { type: 'test.detach' } });
  await watchdog(applied, 'one that was told that all is over');
  service.close();
  attached.close();
});

test('of what is proposed an owner admits what it would keep; what is no proposal is refused', async () => {
  using fixture = new Fixture();
  using pair = new ChannelPair();
  const { store } = fixture;
  const heard: unknown[] = [];
  const wouldKeep = (...proposal: unknown[]): boolean => heard.push(proposal) % 2 === 0;
  const propose = async (channel: ChannelPair, proposals: Json): Promise<Json> => {
    const asked = channel.far.request({ head: { type: 'test.propose', proposals } });
    return (await watchdog(asked, 'an answer to proposals')).head as Json;
  };
  serveStore({ name: 'test', title: 'test', store, owner: { ...fixture.owner, wouldKeep } }, pair.near);
  const proposals = [
    ['a', 1, 1],
    ['b', 0, 1000],
    ['c', 2 ** 40, 3],
  ];
  assert.deepEqual(await propose(pair, proposals), { admitted: [1] });
  // Nobody makes himself more popular than that.
  assert.deepEqual(heard, [
    ['a', 1, 1, undefined],
    ['b', 0, 255, undefined],
    ['c', 2 ** 40, 3, undefined],
  ]);
  for (const wrong of [
    null,
    'a',
    1,
    {},
    [1],
    [['a']],
    [['a', 1]],
    [['a', -1, 1]],
    [['a', 1, 0]],
    [[1, 1, 1]],
  ]) {
    await assert.rejects(propose(pair, wrong as Json), { code: 'ERR_IOLITE_ARGUMENT' });
  }
  await assert.rejects(propose(pair, [['a', 1.5, 1]]), { code: 'ERR_IOLITE_ARGUMENT' });
  const tooMany = Array.from({ length: 1025 }, () => ['a', 1, 1]);
  await assert.rejects(propose(pair, tooMany), { code: 'ERR_IOLITE_ARGUMENT' });
  // An owner that does not say keeps what it is asked for.
  using other = new ChannelPair();
  serveStore({ name: 'test', title: 'test', store, owner: fixture.owner }, other.near);
  assert.deepEqual(await propose(other, proposals), { admitted: [0, 1, 2] });
});
