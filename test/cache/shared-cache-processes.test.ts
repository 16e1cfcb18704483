import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Members } from './support/members.ts';

describe('a cache that processes share', () => {
  test('a value is made by one of all', async () => {
    await using members = new Members();
    const all = [await members.start(), await members.start(), await members.start()];
    const made = await Promise.all(all.map(each => each.do('make', 'k', 'made', { ms: 50, times: 20 })));
    assert.deepEqual(new Set(made.flat()), new Set(['made']));
    const makings = await Promise.all(all.map(each => each.do('makings')));
    assert.equal(
      (makings as number[]).reduce((sum, each) => sum + each, 0),
      1,
    );
  });

  test('what cannot be made fails for all who wait, and is made anew', async () => {
    await using members = new Members();
    const [first, second] = [await members.start(), await members.start()];
    const failed = await Promise.all(
      [first, second].map(each => each.do('make', 'k', 'no', { ms: 50, times: 3, fails: true })),
    );
    assert.deepEqual([...new Set(failed.flat())].sort(), ['ERR_IOLITE_REMOTE', 'RangeError']);
    assert.deepEqual(await second.do('make', 'k', 'yes'), ['yes']);
    assert.equal(await first.do('get', 'k'), 'yes');
  });

  test('when a maker dies the next one makes', async () => {
    await using members = new Members();
    const [owner, maker, waiter] = [await members.start(), await members.start(), await members.start()];
    assert.equal(await maker.ask(['make', 'k', 'never', { hangs: true }]), 'making');
    const made = waiter.do('make', 'k', 'by the next');
    maker.kill('SIGKILL');
    assert.deepEqual(await made, ['by the next']);
    assert.equal(await owner.do('get', 'k'), 'by the next');
  });

  test('who reads while others write finds whole values, none older than the one before', async () => {
    await using members = new Members();
    const [owner, writer] = [await members.start(), await members.start()];
    const readers = [await members.start(), await members.start(), owner];
    const last = 2000;
    const followed = readers.map(each => each.do('follow', 'k', last));
    await writer.do('count', 'k', last);
    for (const each of await Promise.all(followed)) {
      const { reads, wrong } = each as { reads: number; wrong: string };
      assert.equal(wrong, '');
      assert.ok(reads > 0);
    }
  });

  test('when the owner dies another takes its place, with what is held', async () => {
    await using members = new Members({ maxStale: 10_000 });
    const [owner, ...others] = [await members.start(), await members.start(), await members.start()];
    for (let index = 0; index < 30; index++) {
      await others[index % 2]?.do(
        'set',
        `${index}`,
        { bytes: `value ${index}`.repeat(1000) },
        { tags: ['t'] },
      );
      await others[index % 2]?.do('get', `${index}`);
    }
    owner.kill('SIGKILL');
    for (let index = 0; index < 30; index++) {
      assert.deepEqual(await others[index % 2]?.do('get', `${index}`), {
        bytes: `value ${index}`.repeat(1000),
      });
    }
    // The one who attaches to the other brings what that one had not.
    const rolesNow = async (): Promise<unknown> =>
      (await Promise.all(others.map(each => each.do('role')))).sort().join();
    // Whether an owner is dead nobody knows before its channel has closed.
    for (let asked = 0; (await rolesNow()) !== 'attached,owner'; asked++) assert.ok(asked < 10_000);
    for (let index = 0; index < 30; index++) {
      assert.deepEqual(await others[(index + 1) % 2]?.do('get', `${index}`), {
        bytes: `value ${index}`.repeat(1000),
      });
    }
  });

  test('an owner that closes the cache hands over what nobody else has', async () => {
    await using members = new Members();
    const [owner, ...others] = [await members.start(), await members.start(), await members.start()];
    const values = new Map<string, unknown>();
    for (let index = 0; index < 40; index++)
      values.set(`${index}`, index % 2 === 0 ? { bytes: `${index}`.repeat(100_000) } : `text ${index}`);
    for (const [key, value] of values) await owner.do('set', key, value, { tags: ['t'] });
    // Who is stopped is not the one to take them.
    others[0]?.kill('SIGSTOP');
    await owner.do('close');
    for (const [key, value] of values) assert.deepEqual(await others[1]?.do('get', key), value);
    others[0]?.kill('SIGCONT');
    assert.equal(await others[0]?.do('invalidate', { tags: ['t'] }), 40);
    assert.equal(await others[1]?.do('get', '1'), null);
    await others[1]?.do('set', '1', 'of the next');
    await others[1]?.do('close');
    assert.equal(await others[0]?.do('get', '1'), 'of the next');
  });

  test('nobody brings back what was forgotten under the next owner', async () => {
    await using members = new Members({ maxStale: 300 });
    const [owner, first, second] = [await members.start(), await members.start(), await members.start()];
    for (const member of [first, second]) await member.do('make', 'k', 'old');
    for (const member of [first, second]) assert.equal(await member.do('get', 'k'), 'old');
    second.kill('SIGSTOP');
    owner.kill('SIGKILL');
    // Not over before the stopped one can no longer use what it has.
    await first.do('set', 'k', 'new');
    second.kill('SIGCONT');
    assert.equal(await second.do('get', 'k'), 'new');
    assert.equal(await first.do('get', 'k'), 'new');
  });

  test('a change waits for one that is stopped as long as that one could use what it has', async () => {
    await using members = new Members({ maxStale: 300 });
    const [owner, stopped, third] = [await members.start(), await members.start(), await members.start()];
    await owner.do('set', 'k', 'old');
    assert.equal(await stopped.do('get', 'k'), 'old');
    stopped.kill('SIGSTOP');
    await third.do('set', 'k', 'new');
    stopped.kill('SIGCONT');
    assert.equal(await stopped.do('get', 'k'), 'new');
  });

  test('sets go on while owners die', async () => {
    await using members = new Members({ maxStale: 100 });
    const witness = await members.start();
    let owner = witness;
    for (let round = 0; round < 3; round++) {
      const next = await members.start();
      const set = next.do('set', `${round}`, `value ${round}`);
      if (owner !== witness) owner.kill('SIGKILL');
      assert.equal(await set, true);
      assert.equal(await next.do('get', `${round}`), `value ${round}`);
      owner = next;
    }
  });
});
