import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { now } from '../../../../src/base/clock.ts';
import { nextCacheHandler } from '../../../../src/cache/adapters/next/cache-handler.ts';
import { TagLedger } from '../../../../src/cache/adapters/next/tag-ledger.ts';
import {
  type UseCacheEntry,
  useCacheHandler,
} from '../../../../src/cache/adapters/next/use-cache-handler.ts';
import { type SharedCache, sharedCache } from '../../../../src/cache/shared-cache.ts';
import { Folder } from '../../../support/folder.ts';

const MiB = 1024 ** 2;
let owner: SharedCache;
let other: SharedCache;

beforeEach(async () => {
  const name = `test-${randomBytes(8).toString('hex')}`;
  owner = sharedCache(name, { budget: 16 * MiB, govern: false });
  await owner.ready();
  other = sharedCache(name, { budget: 16 * MiB, govern: false });
  await other.ready();
});

afterEach(async () => {
  await other.close();
  await owner.close();
});

const nextNow = () => performance.timeOrigin + performance.now();

function entry(text: string, more: Partial<UseCacheEntry> = {}): UseCacheEntry {
  const value = new Blob([text]).stream() as ReadableStream<Uint8Array>;
  return { value, tags: ['t'], stale: 1, timestamp: nextNow(), expire: 3600, revalidate: 60, ...more };
}

const textOf = async (found: UseCacheEntry | undefined) => found && new Response(found.value).text();

describe('what `use cache` of Next.js keeps', () => {
  test('is found in all processes, as it was made', async () => {
    const [one, two] = [useCacheHandler(owner), useCacheHandler(other)];
    await one.refreshTags();
    const long = 'k'.repeat(100_000);
    for (const key of ['k', long]) {
      const made = entry(`value of ${key.length}`);
      await one.set(key, Promise.resolve(made));
      for (const each of [one, two, two]) {
        const found = await each.get(key, []);
        assert.equal(await textOf(found), `value of ${key.length}`);
        const { value: _, timestamp, ...rest } = found as UseCacheEntry;
        assert.deepEqual(rest, { tags: ['t'], stale: 1, expire: 3600, revalidate: 60 });
        assert.ok(Math.abs(timestamp - made.timestamp) < 1);
      }
    }
    assert.equal(await two.get('none', []), undefined);
    assert.equal(await one.getExpiration(['t']), Number.POSITIVE_INFINITY);
    await one.refreshTags();
  });

  test('who asks in the same process waits for what is being made; what fails is not kept', async () => {
    const one = useCacheHandler(owner);
    await one.refreshTags();
    let made: (entry: UseCacheEntry) => void = () => {};
    const set = one.set('k', new Promise<UseCacheEntry>(resolve => (made = resolve)));
    const asked = one.get('k', []);
    made(entry('made'));
    assert.equal(await textOf(await asked), 'made');
    await set;
    await one.set('f', Promise.reject(new Error('no')));
    const value = new ReadableStream({ pull: controller => controller.error(new Error('broken')) });
    await one.set('f', Promise.resolve({ ...entry(''), value }));
    await one.set('f', Promise.resolve(entry('dynamic', { expire: 0 })));
    assert.equal(await one.get('f', []), undefined);
  });

  test('an invalidation by a tag, or by a path that only readers name, reaches all', async () => {
    const [one, two] = [useCacheHandler(owner), useCacheHandler(other)];
    await one.refreshTags();
    const begun = nextNow();
    await one.set('k', Promise.resolve(entry('old')));
    await one.set('p', Promise.resolve(entry('old')));
    assert.equal(await textOf(await two.get('k', ['/path'])), 'old');
    await two.updateTags(['t', 'another']);
    await one.updateTags(['/path']);
    for (const each of [one, two]) assert.equal(await each.get('k', []), undefined);
    // What was begun before is of before, whenever it is set.
    await one.set('k', Promise.resolve(entry('late', { timestamp: begun })));
    assert.equal(await two.get('k', []), undefined);
    await one.set('k', Promise.resolve(entry('new')));
    assert.equal(await textOf(await two.get('k', ['/path'])), 'new');
    await two.updateTags(['t'], { expire: 3600 });
    assert.equal((await one.get('k', []))?.revalidate, -1);
    await one.updateTags(['t'], { expire: 0 });
    assert.equal(await two.get('k', []), undefined);
  });

  test('a page does not fail with its cache', async () => {
    const one = useCacheHandler(other);
    await other.close();
    assert.equal(await one.get('k', []), undefined);
    await one.set('k', Promise.resolve(entry('x')));
    await assert.rejects(one.updateTags(['t']), { code: 'ERR_IOLITE_CLOSED' });
  });
});

describe('what the cacheHandler of Next.js keeps', () => {
  const page = {
    kind: 'APP_PAGE',
    html: '<p>ü</p>',
    rscData: Buffer.from([0, 255, 1]),
    segmentData: new Map([
      ['/a', Buffer.from('a')],
      ['/b', Buffer.from('bb')],
    ]),
    headers: { 'x-next-cache-tags': 'pages,_N_T_/page' },
    status: 200,
    postponed: undefined,
  };

  test('is found in all processes, as it was made', async () => {
    const [One, Two] = [nextCacheHandler(owner), nextCacheHandler(other)];
    const [one, two] = [new One(), new Two()];
    assert.equal(await two.get('/page', { kind: 'APP_PAGE' }), null);
    await one.set('/page', page, { cacheControl: { revalidate: 60, expire: 3600 } });
    const { postponed: _, ...plain } = page;
    const found = await two.get('/page', { kind: 'APP_PAGE' });
    assert.deepEqual(found?.value, plain);
    assert.deepEqual(found?.cacheControl, { revalidate: 60, expire: 3600 });
    assert.ok(Math.abs((found?.lastModified ?? 0) - nextNow()) < 60_000);
    await two.set('/none', null);
    assert.equal((await one.get('/none', {}))?.value, null);
    const route = { kind: 'APP_ROUTE', body: Buffer.from('{}'), status: 200, headers: {} };
    await one.set('/route', route);
    assert.deepEqual((await two.get('/route', { kind: 'APP_ROUTE' }))?.value, route);
    one.resetRequestCache();
  });

  test('an invalidation by tag reaches all, and what was begun before is of before', async () => {
    const [One, Two] = [nextCacheHandler(owner), nextCacheHandler(other)];
    const [one, two, late] = [new One(), new Two(), new Two()];
    const fetched = { kind: 'FETCH', data: { body: '1' }, tags: ['f'], revalidate: 60 };
    await late.get('/page', { kind: 'APP_PAGE' });
    await one.set('/page', page);
    await one.set('hash', fetched, { tags: ['f'] });
    assert.deepEqual((await two.get('hash', { kind: 'FETCH', tags: ['f'] }))?.value, fetched);
    assert.notEqual(await two.get('/page', { kind: 'APP_PAGE' }), null);
    await two.revalidateTag('_N_T_/page');
    await two.revalidateTag(['f']);
    for (const each of [one, two]) {
      assert.equal(await each.get('/page', { kind: 'APP_PAGE' }), null);
      assert.equal(await each.get('hash', { kind: 'FETCH' }), null);
    }
    await late.set('/page', page);
    assert.equal(await one.get('/page', { kind: 'APP_PAGE' }), null);
    await one.set('/page', page);
    assert.notEqual(await two.get('/page', { kind: 'APP_PAGE' }), null);
    await one.revalidateTag(['pages'], { expire: 3600 });
    const stale = await two.get('/page', { kind: 'APP_PAGE' });
    assert.ok(stale !== null && stale.lastModified < 0);
    assert.deepEqual(stale.cacheControl, { revalidate: 1 });
  });

  test('pages of another build are not found, and a build keeps none', async () => {
    using folder = new Folder();
    const builds = ['one', 'two'].map(id => {
      mkdirSync(join(folder.path, id, 'server'), { recursive: true });
      writeFileSync(join(folder.path, id, 'BUILD_ID'), id);
      return { serverDistDir: join(folder.path, id, 'server') };
    });
    const One = nextCacheHandler(owner);
    const fetched = { kind: 'FETCH', data: {}, revalidate: 60 };
    await new One(builds[0]).set('/page', page);
    await new One(builds[0]).set('hash', fetched);
    assert.notEqual(await new One(builds[0]).get('/page'), null);
    assert.equal(await new One(builds[1]).get('/page'), null);
    assert.notEqual(await new One(builds[1]).get('hash', { kind: 'FETCH' }), null);
    process.env.NEXT_PHASE = 'phase-production-build';
    try {
      assert.equal(await new One(builds[0]).get('/page'), null);
      await new One(builds[0]).set('/build', page);
    } finally {
      delete process.env.NEXT_PHASE;
    }
    assert.equal(await new One(builds[0]).get('/build'), null);
  });
});

describe('the ledger of tags', () => {
  test('many who change it at once lose nothing', async () => {
    const [one, two] = [new TagLedger(owner, 'l:'), new TagLedger(other, 'l:')];
    await one.begin();
    const at = now();
    const tags = Array.from({ length: 60 }, (_, index) => `tag ${index}`);
    await Promise.all(tags.map((tag, index) => (index % 2 === 0 ? one : two).invalidate([tag])));
    for (const tag of tags) assert.equal(await one.standingOf([tag], at), 'expired');
    assert.equal(await two.standingOf(tags, now()), 'right');
  });

  test('what it forgets makes nothing right again', async () => {
    const ledger = new TagLedger(owner, 'l:');
    await ledger.invalidate(['first']);
    const at = now();
    await ledger.invalidate(['second']);
    await owner.invalidate({ prefix: 'l:' });
    assert.equal(await ledger.standingOf(['second'], at), 'expired');
    const before = now();
    await ledger.invalidate(['kept']);
    const later = now();
    await ledger.invalidate(Array.from({ length: 64 * 220 }, (_, index) => `${index}`));
    assert.equal(await ledger.standingOf(['kept'], before), 'expired');
    assert.equal(await ledger.standingOf(['kept'], now()), 'right');
    assert.ok(later > before);
  });
});
