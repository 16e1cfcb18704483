import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createPool } from '../../../src/aggregate/pool.ts';
import { now } from '../../../src/base/clock.ts';
import { IoliteError } from '../../../src/base/error.ts';
import { ImportedChunk } from '../../../src/memory/imported-chunk.ts';
import { Directory } from '../../../src/store/directory/directory.ts';
import { DirectoryIndex } from '../../../src/store/directory/directory-index.ts';
import { DirectoryService } from '../../../src/store/directory/directory-service.ts';
import { UNKNOWN } from '../../../src/store/directory/directory-view.ts';
import { KnownChunks } from '../../../src/store/directory/known-chunks.ts';
import { StoredVersion } from '../../../src/store/stored-version.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { watchdog } from '../../support/watchdog.ts';

const HOUR_MS = 3_600_000;
type Facts = { readonly kind: number };

/** A store of texts with a directory, and the index of another domain that reads it. */
class Fixture implements Disposable {
  readonly pair = new ChannelPair();
  readonly pool = createPool();
  readonly index = new DirectoryIndex<Facts>('test', ({ kind }) => (kind < 9 ? { kind } : undefined));
  readonly used: (readonly [serial: number, times: number])[] = [];
  readonly directory: Directory;
  readonly #versions = new Map<string, StoredVersion>();
  #serial = 0;

  constructor() {
    this.directory = new Directory(1000, () => service.replaced());
    this.directory.until = now() + HOUR_MS;
    const owner = {
      directory: this.directory,
      maxStale: HOUR_MS,
      find: (key: string) => {
        const held = this.#versions.get(key);
        if (held === undefined) throw new IoliteError('ENOENT', 'Cannot find it');
        return held.retain();
      },
      factsOf: () => ({ kind: 1, facts: [1, 2, 3], note: '' }),
      used: (serial: number, times: number) => this.used.push([serial, times]),
    };
    const service = new DirectoryService('test', owner, this.pair.near);
    this.pair.near.onRequest(message => service.handle(message) as never);
    this.pair.far.onRequest(({ head }) => {
      this.index.told((head as { type: string }).type);
      return {};
    });
  }

  static async start(): Promise<Fixture> {
    const fixture = new Fixture();
    await fixture.index.attach(fixture.pair.far);
    return fixture;
  }

  put(key: string, text: string, kind = 1): void {
    const before = this.#versions.get(key);
    this.#serial += 1;
    const held = new StoredVersion(key, this.#serial, {}, this.pool.from(text));
    this.#versions.set(key, held);
    this.directory.put({ key, serial: held.serial, kind, facts: [1, 2, 3], note: '', content: held.content });
    before?.release();
  }

  /** What is found without waiting: its text, where it is a version. */
  found(key: string): unknown {
    const held = this.index.peek(key);
    return held instanceof StoredVersion ? held.content?.toString() : held;
  }

  async ask(key: string): Promise<string> {
    const held = await watchdog(this.index.ask(key), 'an answer');
    const text = `${held.content}`;
    held.release();
    return text;
  }

  [Symbol.dispose](): void {
    this.index.close();
    this.pair[Symbol.dispose]();
    this.directory.close();
    for (const held of this.#versions.values()) held.release();
    this.pool.close();
  }
}

test('what lies in memory that is mapped is found as it is now, by whichever way', async () => {
  using fixture = await Fixture.start();
  fixture.put('a', 'first');
  assert.equal(fixture.found('a'), UNKNOWN);
  assert.equal(await fixture.ask('a'), 'first');
  for (let number = 0; number < 50; number++) {
    fixture.put('a', `${number}`);
    fixture.put(`other ${number}`, 'x');
    // At first as what comes once, and then as what is remembered.
    for (let time = 0; time < 4; time++) assert.equal(fixture.found('a'), `${number}`);
  }
  assert.deepEqual([fixture.found('nothing'), fixture.found(7 as never)], [undefined, UNKNOWN]);
  fixture.directory.delete('a');
  assert.equal(fixture.found('a'), undefined);
  assert.deepEqual([fixture.index.stats().entries, fixture.index.budget], [50, 1000]);
});

test('a directory that has grown is read anew', async () => {
  using fixture = await Fixture.start();
  fixture.put('a', 'text');
  await fixture.ask('a');
  for (let number = 0; number < 3000; number++) fixture.put(`${number}`, 'x');
  assert.equal(fixture.found('a'), UNKNOWN, 'until then it is to be asked for');
  const anew = async (): Promise<void> => {
    while (fixture.found('a') !== 'text') await setImmediate();
  };
  await watchdog(anew(), 'the new directory');
  assert.equal(fixture.index.stats().entries, 3001);
});

test('facts that are none are for the owner to say', async () => {
  using fixture = await Fixture.start();
  fixture.put('a', 'text', 9);
  await fixture.ask('a');
  assert.equal(fixture.found('a'), UNKNOWN);
});

test('uses are reported, also of what is not remembered', async () => {
  using fixture = await Fixture.start();
  fixture.put('a', 'text');
  fixture.put('b', 'text');
  await fixture.ask('a');
  for (let time = 0; time < 5; time++) fixture.found('a');
  fixture.found('b');
  const reported = async (): Promise<void> => {
    while (fixture.used.length < 3) await setImmediate();
  };
  await watchdog(reported(), 'a report');
  const times = [1, 2].map(wanted => {
    const uses = fixture.used.filter(([serial]) => serial === wanted);
    return uses.reduce((sum, [, each]) => sum + each, 0);
  });
  assert.deepEqual(times, [5, 1]);
});

test('memory of what is gone is given up, though nobody asks for it again', async () => {
  using fixture = await Fixture.start();
  fixture.put('a', 'x'.repeat(400_000));
  await fixture.ask('a');
  for (let time = 0; time < 3; time++) fixture.found('a');
  fixture.put('a', 'y'.repeat(400_000));
  const free = async (): Promise<void> => {
    while (fixture.pool.trim() === 0) await setImmediate();
  };
  await watchdog(free(), 'its chunk to be let go of');
});

test('chunks of the owner are leased while they are used, and forgotten as it takes them back', async () => {
  using pair = new ChannelPair();
  const pool = createPool();
  const content = pool.from(Buffer.alloc(300_000, 7));
  pair.near.onRequest(() => ({ body: content.duplicate() }));
  const { body } = await pair.far.request({});
  const [slice] = body?.slices() ?? [];
  assert.ok(slice?.lease.chunk instanceof ImportedChunk);
  const chunks = new KnownChunks(pair.far);
  const { start, lease } = slice;
  const place = { number: 5, generation: lease.generation, start, length: 300_000 };
  assert.equal(chunks.lease(place), undefined);
  chunks.learn(5, lease);
  chunks.learn(0, lease);
  assert.deepEqual([chunks.has(5), chunks.has(0)], [true, false]);
  body?.release();
  for (const wrong of [{ start: 0 }, { length: 2 ** 31 }, { generation: 77 }, { number: 6 }])
    assert.equal(chunks.lease({ ...place, ...wrong }), undefined);
  const held = chunks.lease(place);
  assert.equal(held?.bytes[start + 299_999], 7);
  assert.equal(chunks.leased, 1);
  held?.release();
  const unused = { hasChunk: () => true } as never;
  chunks.sweep(unused);
  assert.equal(chunks.leased, 1, 'it was used since the last time');
  chunks.sweep(unused);
  assert.equal(chunks.leased, 0);
  content.release();
  const forgotten = async (): Promise<void> => {
    for (; chunks.has(5); await setImmediate()) pool.trim();
  };
  await watchdog(forgotten(), 'the chunk to be taken back');
  chunks.close();
  pool.close();
});
