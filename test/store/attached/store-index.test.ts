import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { now } from '../../../src/base/clock.ts';
import { IoliteError } from '../../../src/base/error.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import type { Message } from '../../../src/ipc/message.ts';
import { StoreIndex } from '../../../src/store/attached/store-index.ts';
import type { Entry } from '../../../src/store/entry.ts';
import { createPolicy } from '../../../src/store/policies/index.ts';
import { serveStore } from '../../../src/store/serve-store.ts';
import { Store } from '../../../src/store/store.ts';
import { encodeVersion, type VersionHead } from '../../../src/store/store-protocol.ts';
import type { StoreOwner } from '../../../src/store/store-service.ts';
import { StoredVersion } from '../../../src/store/stored-version.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { watchdog } from '../../support/watchdog.ts';

const MiB = 1024 ** 2;
const HOUR_MS = 3_600_000;

type Facts = { readonly text: string };

/** A store whose owner answers when it is told to, and an index of it. */
class Fixture {
  readonly store = new Store<Facts>({ budget: MiB, policy: createPolicy('lru', MiB) });
  readonly pair = new ChannelPair();
  readonly index = new StoreIndex<Facts>('test', () => {});
  /** What the owner was asked for, and how old it may be. */
  readonly asked: { readonly key: string; readonly since: number }[] = [];
  #gate: Promise<void> = Promise.resolve();
  readonly #maxStale: number;

  constructor(maxStale: number) {
    this.#maxStale = maxStale;
  }

  static async start(maxStale = HOUR_MS): Promise<Fixture> {
    const fixture = new Fixture(maxStale);
    fixture.serve(fixture.pair.near);
    await fixture.index.attach(fixture.pair.far);
    return fixture;
  }

  serve(channel: Channel): void {
    serveStore({ name: 'test', title: 'test', store: this.store, owner: this.#owner() }, channel);
  }

  put(key: string, text: string): Entry<Facts, undefined> {
    return this.store.put(key, { text }, undefined, undefined);
  }

  /** The owner's answers wait. @returns lets them go */
  hold(): () => void {
    let open = (): void => {};
    this.#gate = new Promise(resolve => {
      open = resolve;
    });
    return open;
  }

  async ask(key: string): Promise<string> {
    const held = await watchdog(this.index.ask(key), `an answer for ${key}`);
    held.release();
    return held.facts.text;
  }

  async untilAsked(times: number): Promise<void> {
    await until(() => this.asked.length >= times, `question ${times}`);
  }

  [Symbol.dispose](): void {
    this.index.close();
    this.store.close();
    this.pair[Symbol.dispose]();
  }

  #owner(): StoreOwner<Facts> {
    const { store, asked } = this;
    return {
      greeting: { maxStale: this.#maxStale, budget: MiB },
      find: async (key, since) => {
        asked.push({ key, since });
        const until = now() + this.#maxStale;
        const held = store.get(key)?.held.retain();
        await this.#gate;
        if (held === undefined) throw new IoliteError('ENOENT', `Cannot find ${key}`);
        return { held, until };
      },
      bySerial: serial => store.bySerial(serial),
      used: () => {},
    };
  }
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const wait = async (): Promise<void> => {
    while (!holds()) await setImmediate();
  };
  await watchdog(wait(), what);
}

test('an answer under way does not bring back what was invalidated meanwhile', async () => {
  using fixture = await Fixture.start();
  const entry = fixture.put('a', 'before');
  const letGo = fixture.hold();
  const first = fixture.ask('a');
  await fixture.untilAsked(1);
  const invalidatedAt = now();
  fixture.index.invalidate('a');
  // Who asks now must not be given what was asked for before.
  const second = fixture.ask('a');
  letGo();
  assert.equal(await first, 'before');
  await second;
  assert.equal(fixture.asked.length, 2);
  assert.ok((fixture.asked[1]?.since ?? 0) >= invalidatedAt);
  assert.equal(fixture.index.peek('a')?.facts.text, 'before');
  fixture.index.invalidate('a');
  assert.equal(fixture.index.peek('a'), undefined);
  await until(() => entry.indexes + entry.holders === 0, 'word that it is kept no more');
});

test('a version that word of its end has overtaken is not kept, and a later one is', async () => {
  using pair = new ChannelPair();
  const index = new StoreIndex<Facts>('test', () => {});
  const open = new Map<string, (answer: Message) => void>();
  pair.near.onRequest(({ head }) => {
    const { type } = head as { type: string };
    if (type === 'test.attach') return { head: { maxStale: HOUR_MS, budget: MiB } };
    return new Promise<Message>(resolve => open.set(type, resolve));
  });
  /** Answers a question that is open. */
  const answer = async (type: string, message: Message): Promise<void> => {
    await until(() => open.has(type), type);
    const resolve = open.get(type);
    open.delete(type);
    resolve?.(message);
  };
  const find = async (serial: number): Promise<void> => {
    const asked = index.ask('a');
    await until(() => open.has('test.read'), 'a question');
    await answer('test.watch', { head: { left: [['a', 7]], terms: [] } });
    // It asks for more when it has heard that.
    await until(() => open.has('test.watch'), 'the next question');
    const held = new StoredVersion<Facts>('a', serial, { text: `${serial}` }, undefined);
    const end = now() + HOUR_MS;
    await answer('test.read', encodeVersion(held, { until: end, term: 0, keep: true }));
    (await watchdog(asked, 'the answer')).release();
  };
  await index.attach(pair.far);
  await find(7);
  assert.equal(index.peek('a'), undefined);
  await find(8);
  assert.equal(index.peek('a')?.facts.text, '8');
  index.close();
});

for (const [what, outlivesOwner] of [
  ['after word that a version has left', true],
  ['when a change may be over that was not heard of', false],
] as const)
  test(`who asks ${what} is not answered by a question from before`, async () => {
    using pair = new ChannelPair();
    const index = new StoreIndex<Facts>('test', () => {});
    using _ = { [Symbol.dispose]: () => index.close() };
    const reads: ((answer: Message) => void)[] = [];
    const watches: ((answer: Message) => void)[] = [];
    pair.near.onRequest(({ head }) => {
      const { type } = head as { type: string };
      if (type === 'test.attach') return { head: { maxStale: HOUR_MS, budget: MiB, ends: !outlivesOwner } };
      return new Promise<Message>(resolve => (type === 'test.read' ? reads : watches).push(resolve));
    });
    await index.attach(pair.far);
    await until(() => watches.length === 1, 'the open question');
    const answer = (place: number, serial: number): void => {
      const held = new StoredVersion<Facts>('a', serial, { text: `${serial}` }, undefined);
      reads[place]?.(encodeVersion(held, { until: now() + HOUR_MS, term: 0, keep: true }));
    };
    const ask = async (): Promise<string> => {
      const held = await watchdog(index.ask('a'), 'an answer');
      held.release();
      return held.facts.text;
    };
    const before = ask();
    await until(() => reads.length === 1, 'a question');
    if (outlivesOwner) {
      watches[0]?.({ head: { left: [['a', 7]], terms: [] } });
      await until(() => watches.length === 2, 'the next open question');
    }
    const after = ask();
    answer(0, 7);
    await until(() => reads.length === 2, 'another question');
    answer(1, 8);
    assert.deepEqual([await before, await after], ['7', '8']);
  });

test('what was invalidated and is not asked for again is kept by nobody', async () => {
  using fixture = await Fixture.start();
  const entry = fixture.put('a', 'before');
  const letGo = fixture.hold();
  const asked = fixture.ask('a');
  await fixture.untilAsked(1);
  fixture.index.invalidate('a');
  letGo();
  assert.equal(await asked, 'before');
  assert.equal(fixture.index.peek('a'), undefined);
  assert.equal(fixture.index.stats().entries, 0);
  await until(() => entry.indexes + entry.holders === 0, 'word that it was not kept');
});

test('after very many invalidations each is still heeded, and they take no memory', async () => {
  using fixture = await Fixture.start();
  fixture.put('first', 'first');
  fixture.put('other', 'other');
  const startedAt = now();
  fixture.index.invalidate('first');
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 300_000; i++) fixture.index.invalidate(`/a/path/that/nobody/asks/for/again/${i}`);
  globalThis.gc?.();
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 4 * MiB, `the heap has grown by ${grown} bytes`);
  assert.equal(await fixture.ask('first'), 'first');
  assert.ok((fixture.asked[0]?.since ?? 0) >= startedAt, 'it is not older than its invalidation');
  // What was never invalidated may be looked at once more than needed, and is held as ever.
  await fixture.ask('other');
  assert.equal(fixture.index.peek('first')?.facts.text, 'first');
  assert.equal(fixture.index.peek('other')?.facts.text, 'other');
});

test('an index that is closed tells the owner of what comes afterwards', async () => {
  using fixture = await Fixture.start();
  const entry = fixture.put('a', 'late');
  const letGo = fixture.hold();
  const asked = fixture.ask('a');
  await fixture.untilAsked(1);
  fixture.index.close();
  letGo();
  assert.equal(await asked, 'late');
  await until(() => entry.indexes + entry.holders === 0, 'word that it was not kept');
});

test('who is not attached is told to keep nothing', async () => {
  using fixture = await Fixture.start();
  using pair = new ChannelPair();
  const entry = fixture.put('a', 'content');
  const owner: StoreOwner<Facts> = {
    greeting: { maxStale: HOUR_MS, budget: MiB },
    find: async () => ({ held: entry.held.retain(), until: now() }),
    bySerial: serial => fixture.store.bySerial(serial),
    used: () => {},
  };
  serveStore({ name: 'test', title: 'test', store: fixture.store, owner }, pair.near);
  const { head, body } = await watchdog(pair.far.request({ head: { type: 'test.read', key: 'a' } }), 'it');
  body?.release();
  const { keep, facts } = head as unknown as VersionHead;
  assert.deepEqual([keep, facts], [false, { text: 'content' }]);
  assert.equal(entry.indexes + entry.holders, 0);
});

test('an index learns of a budget that changes, which bounds it', async () => {
  using fixture = await Fixture.start();
  assert.equal(fixture.index.budget, MiB);
  fixture.store.resize(8 * MiB);
  await until(() => fixture.index.budget === 8 * MiB, 'word of the larger budget');
  fixture.put('a', 'kept');
  assert.equal(await fixture.ask('a'), 'kept');
  // Both at once, and once more while nobody waits for an answer.
  fixture.store.remove('a');
  fixture.store.resize(4 * MiB);
  fixture.store.resize(2 * MiB);
  await until(() => fixture.index.budget === 2 * MiB, 'word of the smaller budget');
  assert.equal(fixture.index.peek('a'), undefined);
});

test('what may be repeated may be so as long as peekAgain() gives it, and counts as that', async () => {
  using fixture = await Fixture.start(200);
  const { index, store } = fixture;
  store.put('a', { text: 'a' }, undefined, store.allocate(100, 'a'));
  fixture.put('bare', 'bare');
  const memo = { entry: undefined };
  assert.equal(index.repeatable(memo), undefined);
  for (const key of ['a', 'bare']) (await index.ask(key)).release();
  const bare = { entry: undefined };
  assert.equal(index.peekAgain('bare', bare)?.facts.text, 'bare');
  // Facts alone are right as long as they are, too.
  assert.equal(index.repeatable(bare)?.slice, undefined);
  assert.equal(index.repeatable(bare)?.mayRepeat(), true);
  assert.equal(index.peekAgain('a', memo)?.facts.text, 'a');
  const repeatable = index.repeatable(memo);
  assert.equal(index.repeatable(memo), repeatable);
  const { hits } = index.stats();
  assert.equal(repeatable?.mayRepeat(), true);
  assert.equal(index.stats().hits, hits + 1);
  assert.equal(new StoreIndex<Facts>('other', () => {}).repeatable(memo), undefined);
  const end = now() + 200;
  await until(() => now() > end, 'the end of the term');
  assert.equal(index.peekAgain('a', memo), undefined);
  assert.equal(repeatable?.mayRepeat(), false);
  assert.equal(index.stats().hits, hits + 1);
  (await index.ask('a')).release();
  assert.equal(repeatable?.mayRepeat(), true);
  index.invalidate('a');
  assert.equal(repeatable?.mayRepeat(), false);
  assert.equal(index.repeatable(memo), undefined);
});

test('what an owner does not keep is not followed by what there was before, when it is gone', async () => {
  using first = await Fixture.start(0);
  first.put('a', 'first');
  assert.equal(await first.ask('a'), 'first');
  assert.ok(first.index.has('a'));

  using second = await Fixture.start(0);
  second.put('a', 'second');
  const pair = new ChannelPair();
  second.serve(pair.near);
  await first.index.attach(pair.far);
  const letGo = second.hold();
  const asked = first.ask('a');
  await second.untilAsked(1);
  second.store.remove('a');
  letGo();
  assert.equal(await asked, 'second');
  pair[Symbol.dispose]();
  await until(() => !first.index.attached, 'the end of the owner');
  assert.equal(first.index.peek('a'), undefined);
});

test('what was moved is elsewhere until it is asked for or gone', async () => {
  using fixture = await Fixture.start();
  const { index, store } = fixture;
  const entry = fixture.put('a', 'content');
  assert.equal(index.isElsewhere('a'), false);
  await fixture.ask('a');
  assert.equal(index.isElsewhere('a'), false);
  assert.ok(store.withdraw(entry));
  await until(() => !index.has('a'), 'word that it was moved');
  assert.equal(index.isElsewhere('a'), true);
  assert.equal(index.stats().evictions, 0);
  await fixture.ask('a');
  assert.equal(index.isElsewhere('a'), false);
  store.remove('a');
  await until(() => !index.has('a'), 'word that it is gone');
  assert.equal(index.isElsewhere('a'), false);
  assert.equal(index.stats().evictions, 1);
  const other = fixture.put('b', 'content');
  await fixture.ask('b');
  assert.ok(store.withdraw(other));
  await until(() => index.isElsewhere('b'), 'word that it was moved');
  store.remove('b');
  await assert.rejects(fixture.ask('b'), { code: 'ENOENT' });
  assert.equal(index.isElsewhere('b'), false);
  const third = fixture.put('c', 'content');
  await fixture.ask('c');
  assert.ok(store.withdraw(third));
  await until(() => index.isElsewhere('c'), 'word that it was moved');
  using pair = new ChannelPair();
  fixture.serve(pair.near);
  await index.attach(pair.far);
  assert.equal(index.isElsewhere('c'), false);
});

test('what is had elsewhere is proposed in batches, and what the owner admits is told of', async () => {
  using pair = new ChannelPair();
  const index = new StoreIndex<Facts>('test', () => {});
  const proposed: unknown[] = [];
  let answer: Message = { head: { admitted: [1, 7, -1, 'x', 0] } };
  pair.near.onRequest(({ head }) => {
    const { type, proposals } = head as { type: string; proposals?: unknown };
    if (type === 'test.attach') return { head: { maxStale: HOUR_MS, budget: MiB } };
    if (type !== 'test.propose') return new Promise(() => {});
    proposed.push(proposals);
    return answer;
  });
  const admitted: string[] = [];
  index.proposals.onAdmitted = key => void admitted.push(key);
  index.proposals.add('before there is an owner', 1, 1);
  await index.attach(pair.far);
  index.proposals.add('a', 10, 2);
  index.proposals.add('b', 20, 1);
  index.proposals.add('a', 11, 4);
  await until(() => admitted.length === 2, 'what is admitted');
  const [first] = proposed as [[string, number, number][]];
  assert.deepEqual(first.slice(-2), [
    ['a', 11, 6],
    ['b', 20, 1],
  ]);
  // Answers that make no sense admit nothing, and neither do those of another life.
  for (const head of [{}, { admitted: 'all' }, null, { admitted: [{}] }]) {
    answer = { head };
    const before = proposed.length;
    index.proposals.add('c', 1, 1);
    await until(() => proposed.length > before, 'another proposal');
  }
  for (let i = 0; i < 500; i++) index.proposals.add(`${'long '.repeat(100)}${i}`, 1, 1);
  await until(() => proposed.length >= 10, 'long ones, in several messages');
  assert.ok(proposed.slice(1).every(each => (each as unknown[]).length <= 128));
  index.close();
  index.proposals.clear();
  assert.equal(admitted.length, 2);
});
