import assert from 'node:assert/strict';
import { fstatSync } from 'node:fs';
import { test } from 'node:test';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import { everyone } from '../../../src/memory/acl.ts';
import type { ImportedChunk } from '../../../src/memory/imported-chunk.ts';
import { Family } from '../../support/family.ts';
import { Onlooker, secret } from '../../support/onlooker.ts';
import { isRoot, NOBODY, PublicProgram } from '../../support/public-program.ts';
import { watchdog } from '../../support/watchdog.ts';

const KiB = 1024;
const PRODUCER = new URL('./children/producer.ts', import.meta.url);
const foreign = { skip: isRoot ? false : 'only root can start a process of another user' };

/** What a producer sends, beside other things. */
async function made(channel: Channel, head: object, body?: Aggregate): Promise<Aggregate> {
  const request = channel.request({ head: { kind: 'recycle', length: 0, ...head }, ...(body && { body }) });
  return (await watchdog(request, 'a producer to answer')).body as Aggregate;
}

let uids = NOBODY.uid;
/** A process of a user who was sent nothing yet: what a user was, it goes on seeing. */
async function stranger(family: Family, program: PublicProgram): Promise<Onlooker> {
  const uid = --uids;
  return Onlooker.start(family, program.url, { uid, gid: uid, execArgv: [], cwd: program.folder });
}

for (const kind of ['recycle', 'seal'] as const) {
  for (const length of [100, 300 * KiB]) {
    test(
      `another user who is forwarded ${length} bytes can read nothing beside them (${kind})`,
      foreign,
      async () => {
        await using family = new Family();
        using program = new PublicProgram(Onlooker.program);
        const { channel } = await family.fork(PRODUCER);
        const [theirs, ours] = [await stranger(family, program), await Onlooker.start(family)];
        using passed = await made(channel, { kind, name: 'passed', length });
        await theirs.give(passed);
        await ours.give(passed);
        assert.deepEqual(await theirs.sees(), ['passed']);
        await theirs.release();
        await ours.release();
        passed.release();
        // The producer fills its memory again.
        for (let round = 0; round < 20; round++) {
          using next = await made(channel, { kind, name: `next ${round}`, length });
          assert.equal(next.toString('latin1', 0, 6), '<<next');
        }
        assert.deepEqual(await theirs.sees(), ['passed']);
      },
    );
  }
}

test(
  'a slice that is forwarded shows no more than itself, whether small or large, sealed or not',
  foreign,
  async () => {
    await using family = new Family();
    using program = new PublicProgram(Onlooker.program);
    const { channel } = await family.fork(PRODUCER);
    const theirs = await stranger(family, program);
    for (const kind of ['recycle', 'seal'] as const) {
      for (const length of [1000, 500 * KiB]) {
        using whole = await made(channel, { kind, name: 'passed', length });
        using part = whole.slice(20);
        await theirs.give(part);
        assert.deepEqual(await theirs.sees(), []);
      }
    }
  },
);

test('two other users each find what they were forwarded, and nothing of the other', foreign, async () => {
  await using family = new Family();
  using program = new PublicProgram(Onlooker.program);
  const { channel } = await family.fork(PRODUCER);
  const [one, other] = [await stranger(family, program), await stranger(family, program)];
  using toOne = await made(channel, { name: 'to one' });
  using toOther = await made(channel, { name: 'to other' });
  using toBoth = await made(channel, { name: 'to both' });
  for (const body of [toOne, toBoth]) await one.give(body);
  for (const body of [toOther, toBoth]) await other.give(body);
  assert.deepEqual(await one.sees(), ['to both', 'to one']);
  assert.deepEqual(await other.sees(), ['to both', 'to other']);
});

test('what comes back to its owner and is forwarded from there shows no more either', foreign, async () => {
  await using family = new Family();
  using program = new PublicProgram(Onlooker.program);
  const echo = await family.fork(new URL('../children/echo.ts', import.meta.url));
  const theirs = await stranger(family, program);
  using pool = createPool({ acl: everyone });
  using neighbour = pool.from(secret('neighbour'));
  using passed = pool.from(secret('passed'));
  const answer = await watchdog(echo.channel.request({ head: 'echo', body: passed }), 'an echo');
  using back = answer.body as Aggregate;
  assert.equal(back.toString(), '<<passed>>');
  await theirs.give(back);
  assert.deepEqual(await theirs.sees(), ['passed']);
  assert.equal(neighbour.toString(), '<<neighbour>>');
});

test(
  'what is forwarded goes by reference within a user, as a whole if it is sealed, and back to who passed it',
  foreign,
  async () => {
    await using family = new Family();
    using program = new PublicProgram(Onlooker.program);
    const { channel } = await family.fork(PRODUCER);
    const [theirs, ours] = [await stranger(family, program), await Onlooker.start(family)];
    const given: number[] = [];
    for (const kind of ['recycle', 'seal'] as const) {
      using passed = await made(channel, { kind, name: 'passed', length: 300 * KiB });
      given.push(inodeOf(passed));
      await ours.give(passed);
      await theirs.give(passed);
      // Its owner has its chunks mapped twice then.
      using again = await made(channel, { kind, name: 'again', length: 10 }, passed);
      assert.equal(again.length, 10);
    }
    assert.deepEqual(await ours.inodes(), given);
    const [copied, whole] = await theirs.inodes();
    assert.notEqual(copied, given[0]);
    assert.equal(whole, given[1]);
  },
);

function inodeOf(body: Aggregate): number {
  const chunk = body.slices()[0]?.lease.chunk as ImportedChunk;
  return fstatSync(chunk.descriptor).ino;
}
