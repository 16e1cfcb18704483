import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../src/aggregate/pool.ts';
import { type Acl, everyone } from '../../src/memory/acl.ts';
import { Family } from '../support/family.ts';
import { Onlooker, secret } from '../support/onlooker.ts';
import { isRoot, NOBODY, PublicProgram } from '../support/public-program.ts';

const KiB = 1024;
const foreign = { skip: isRoot ? false : 'only root can start a process of another user' };

/** A process of another user. */
async function stranger(family: Family, program: PublicProgram): Promise<Onlooker> {
  return Onlooker.start(family, program.url, { ...NOBODY, execArgv: [], cwd: program.folder });
}

test(
  'another user who is sent a small buffer can read nothing beside it, before it or after it',
  foreign,
  async () => {
    await using family = new Family();
    using program = new PublicProgram(Onlooker.program);
    const [theirs, ours] = [await stranger(family, program), await Onlooker.start(family)];
    const acls: Acl[] = [everyone, { uids: [0, NOBODY.uid] }, { uids: [0], gids: [NOBODY.gid] }];
    for (const [i, acl] of acls.entries()) {
      using pool = createPool({ acl });
      pool.from(secret('earlier')).release();
      using neighbour = pool.from(secret('neighbour'));
      using hello = pool.from(secret(`hello ${i}`));
      await theirs.give(hello);
      await ours.give(hello);
      using later = pool.from(secret('later'));
      await ours.give(later);
      assert.deepEqual(
        await theirs.sees(),
        [0, 1, 2].slice(0, i + 1).map(each => `hello ${each}`),
      );
      assert.ok((await ours.sees()).includes('later'));
      await theirs.release();
      await ours.release();
      neighbour.release();
      hello.release();
      // The chunk is filled again.
      for (let round = 0; round < 40; round++) pool.from(secret('refilled', 100 * KiB)).release();
      assert.deepEqual(
        await theirs.sees(),
        [0, 1, 2].slice(0, i + 1).map(each => `hello ${each}`),
      );
    }
  },
);

test(
  'what several users are sent from one pool is copied once for each, within its limit',
  foreign,
  async () => {
    await using family = new Family();
    using program = new PublicProgram(Onlooker.program);
    const theirs = await stranger(family, program);
    const pool = createPool({ acl: everyone, limit: 256 * KiB, chunkSize: 64 * KiB });
    using small = pool.from(secret('small', 20 * KiB));
    for (let i = 0; i < 20; i++) {
      await theirs.give(small);
      await theirs.release();
    }
    assert.ok(pool.stats().bytesMapped <= 256 * KiB);
    assert.equal(pool.stats().allocated, 1);
    for (let i = 0; i < 6; i++) await theirs.give(small);
    await assert.rejects(
      async () => {
        for (let i = 0; i < 20; i++) await theirs.give(small);
      },
      { code: 'ERR_IOLITE_LIMIT' },
    );
    await theirs.release();
    pool.close();
    await theirs.give(small);
    assert.deepEqual(await theirs.sees(), ['small']);
  },
);

test(
  'another user who is sent a large buffer finds it alone in its chunk, now and later',
  foreign,
  async () => {
    await using family = new Family();
    using program = new PublicProgram(Onlooker.program);
    const theirs = await stranger(family, program);
    using pool = createPool({ acl: everyone });
    const earlier = Buffer.concat([secret('large', 450 * KiB), secret('earlier', 50 * KiB)]);
    pool.from(earlier).release();
    // Into the same memory, which is a little larger than needed.
    using large = pool.from(secret('large', 420 * KiB));
    assert.equal(pool.stats().recycled, 1);
    await theirs.give(large);
    assert.deepEqual(await theirs.sees(), ['large']);
    await theirs.release();
    large.release();
    // It is given up a moment after it was released.
    for (let round = 0; round < 20; round++) {
      pool.from(secret('later', 420 * KiB)).release();
      assert.deepEqual(await theirs.sees(), ['large']);
    }
  },
);

test('processes that an ACL names see nothing of each other', async () => {
  await using family = new Family();
  const [one, other] = [await Onlooker.start(family), await Onlooker.start(family)];
  using pool = createPool({ acl: { peers: [one.channel, other.channel] } });
  using toBoth = pool.from(secret('to both'));
  using toOne = pool.from(secret('to one'));
  using toOther = pool.from(secret('to other'));
  for (const each of [toBoth, toOne]) await one.give(each);
  for (const each of [toOther, toBoth]) await other.give(each);
  assert.deepEqual(await one.sees(), ['to both', 'to one']);
  assert.deepEqual(await other.sees(), ['to both', 'to other']);
});

test('a pool for one domain passes all by reference', async () => {
  await using family = new Family();
  const one = await Onlooker.start(family);
  using pool = createPool({ acl: { peers: [one.channel] } });
  using body = pool.from(secret('body'));
  await one.give(body);
  assert.equal(pool.stats().chunks, 1);
  assert.deepEqual(await one.sees(), ['body']);
});

test('what was written beyond the end of a sealed buffer does not go with it', async () => {
  await using family = new Family();
  const one = await Onlooker.start(family);
  using pool = createPool({ kind: 'seal' });
  const draft = pool.allocate(8 * KiB);
  draft.bytes.fill(secret('beyond', KiB));
  secret('within', KiB).copy(draft.bytes);
  using body = draft.seal(KiB);
  await one.give(body);
  assert.deepEqual(await one.sees(), ['within']);
});
