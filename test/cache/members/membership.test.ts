import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Claims } from '../../../src/cache/claims.ts';
import { meetingPlace } from '../../../src/cache/members/membership.ts';
import { sharedCache } from '../../../src/cache/shared-cache.ts';
import { watchdog } from '../../support/watchdog.ts';
import { Members } from '../support/members.ts';

const HOUR_MS = 3_600_000;

const newName = () => `test-${randomBytes(8).toString('hex')}`;

describe('who shares a cache', () => {
  test('of twenty that begin at once one owns it', async () => {
    const name = newName();
    const all = Array.from({ length: 20 }, () => sharedCache(name, { govern: false }));
    await watchdog(Promise.all(all.map(each => each.ready())), 'all to have a role');
    assert.equal(all.filter(({ role }) => role === 'owner').length, 1);
    await all[0]?.set('k', 'v');
    assert.deepEqual(await Promise.all(all.map(each => each.get('k'))), Array(20).fill('v'));
    for (const each of all) await each.close();
  });

  test('an owner whose socket file is taken away is found again', async () => {
    const name = newName();
    await using owner = sharedCache(name, { govern: false });
    await owner.ready();
    await owner.set('k', 'v');
    const path = meetingPlace('cache', name) as string;
    rmSync(path);
    const returned = (async () => {
      while (!existsSync(path)) await setImmediate();
    })();
    await watchdog(returned, 'the owner to listen again');
    await using other = sharedCache(name, { govern: false });
    await other.ready();
    assert.deepEqual([owner.role, other.role], ['owner', 'attached']);
    assert.equal(await other.get('k'), 'v');
  });

  test('who follows one that was killed knows it, though its socket file is gone', async () => {
    await using members = new Members({ maxStale: HOUR_MS });
    const { name } = members;
    const owner = await members.start();
    const exit = once(owner.process, 'exit');
    owner.kill('SIGKILL');
    await watchdog(exit, 'the owner to end');
    rmSync(meetingPlace('cache', name) as string);
    const follower = sharedCache(name, { govern: false, maxStale: HOUR_MS });
    await follower.ready();
    let isOver = false;
    const set = follower.set('k', 'v').then(() => {
      isOver = true;
    });
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    assert.deepEqual([follower.role, isOver], ['owner', false]);
    await follower.close();
    await watchdog(set, 'nobody to be waited for by who is closed');
  });

  test('threads are members as processes are', async () => {
    const name = newName();
    await using cache = sharedCache(name, { govern: false });
    await cache.set('of the thread that began', 'text');
    const thread = new Worker(new URL('../children/thread.js', import.meta.url), { workerData: { name } });
    const [told] = await watchdog(once(thread, 'message'), 'a thread to attach');
    assert.deepEqual(told, { role: 'attached', found: 'text' });
    assert.deepEqual(await cache.get('of the other thread'), { bytes: 'x'.repeat(100_000) });
    thread.postMessage('leave');
    await watchdog(once(thread, 'exit'), 'a thread to end');
    assert.deepEqual(await cache.get('of the other thread'), { bytes: 'x'.repeat(100_000) });
  });

  test('one who claims without end is refused, and what it claimed goes with it', () => {
    const claims = new Claims<string>(value => value);
    const [greedy, other] = [{}, {}];
    const claim = (maker: object, key: string) => claims.claim(key, maker, { timeout: 1e6, waits: true });
    for (let index = 0; index < 20_000; index++) claim(greedy, `${index}`);
    assert.throws(() => claim(greedy, 'more'), { code: 'ERR_IOLITE_LIMIT' });
    assert.equal((claim(other, 'more') as { kind: string }).kind, 'make');
    claims.gone(greedy);
    assert.equal(claims.size, 1);
    assert.equal((claim(greedy, 'again') as { kind: string }).kind, 'make');
    claims.close(new Error('over'));
  });
});
