import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { test } from 'node:test';
import type { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import type { Channel } from '../../src/ipc/channel.ts';
import { connect } from '../../src/ipc/meet/connect.ts';
import { listen } from '../../src/ipc/meet/listen.ts';
import { type Acl, everyone } from '../../src/memory/acl.ts';
import { Family } from '../support/family.ts';
import { Folder } from '../support/folder.ts';
import { isRoot, NOBODY, PublicProgram } from '../support/public-program.ts';
import { watchdog } from '../support/watchdog.ts';

const AGENT = new URL('./children/agent.ts', import.meta.url);
const foreign = { skip: isRoot ? false : 'only root can start a process of another user' };

let names = 0;
const name = (): string => `@iolite-acl-${process.pid}-${names++}`;
const order = async (channel: Channel, ask: string, more: object = {}, body?: Aggregate) => {
  const request = { head: { ask, ...more }, ...(body === undefined ? {} : { body }) };
  return (await watchdog(channel.request(request), `the answer to '${ask}'`)).head;
};
/** What sending a body that an agent is to keep comes to. */
const give = (channel: Channel, body: Aggregate): Promise<string> =>
  order(channel, 'keep', {}, body).then(
    () => 'passed',
    error => error.code as string,
  );

test("forwarding keeps the origin's ACL, over any number of hands", async () => {
  await using family = new Family();
  const [first, second, third] = [
    await family.fork(AGENT),
    await family.fork(AGENT),
    await family.fork(AGENT),
  ];
  const [toSecond, toThird] = [name(), name()];
  await order(second.channel, 'listen', { path: toSecond });
  await order(third.channel, 'listen', { path: toThird });
  await order(first.channel, 'connect', { path: toSecond });
  await order(second.channel, 'connect', { path: toThird });
  const uid = process.getuid?.() as number;
  const cases: [Acl | undefined, string, string][] = [
    [undefined, 'passed', 'passed'],
    [everyone, 'passed', 'passed'],
    [{ uids: [uid] }, 'passed', 'passed'],
    [{ gids: [process.getgid?.() as number] }, 'passed', 'passed'],
    [{ peers: [first.channel] }, 'ERR_IOLITE_ACCESS', 'unreached'],
    [{ peers: [first.channel, second.channel] }, 'passed', 'ERR_IOLITE_ACCESS'],
    [{ pids: [first, second, third].map(({ process }) => process.pid as number) }, 'passed', 'passed'],
  ];
  for (const kind of ['recycle', 'seal'] as const) {
    for (const [acl, atSecond, atThird] of cases) {
      using pool = createPool({ kind, ...(acl === undefined ? {} : { acl }) });
      using body = pool.from('for some');
      assert.equal(await give(first.channel, body), 'passed');
      assert.equal(await order(first.channel, 'try to pass', { path: toSecond }), atSecond);
      if (atSecond === 'passed') {
        assert.equal(await order(second.channel, 'try to pass', { path: toThird }), atThird);
      }
      const { length } = (await order(third.channel, 'read')) as string[];
      assert.equal(length, atThird === 'passed' ? 1 : 0);
      for (const { channel } of [first, second, third]) await order(channel, 'release');
    }
  }
});

test('a buffer may always come back to its owner', async () => {
  await using family = new Family();
  const { channel } = await family.fork(AGENT);
  await using endpoint = await listen(name());
  const received: string[] = [];
  endpoint.on('channel', back =>
    back.onRequest(({ body }) => {
      received.push(body!.toString());
      body!.release();
      return {};
    }),
  );
  await order(channel, 'connect', { path: endpoint.path });
  using pool = createPool({ acl: { peers: [channel] } });
  using body = pool.from('there and back');
  await give(channel, body);
  assert.equal(await order(channel, 'try to pass', { path: endpoint.path }), 'passed');
  assert.deepEqual(received, ['there and back']);
});

test('an ACL is fixed when its pool is made', async () => {
  await using family = new Family();
  const { channel } = await family.fork(AGENT);
  const pids: number[] = [];
  using pool = createPool({ acl: { pids } });
  pids.push(channel.peer.pid);
  using body = pool.from('not for the child');
  assert.equal(await give(channel, body), 'ERR_IOLITE_ACCESS');
});

test('requireSealed holds for what is forwarded', async () => {
  await using family = new Family();
  const [first, second] = [await family.fork(AGENT), await family.fork(AGENT)];
  const path = name();
  await order(second.channel, 'listen', { path, options: { channel: { requireSealed: true } } });
  for (const [kind, outcome] of [
    ['seal', 'passed'],
    ['recycle', 'ERR_IOLITE_PROTOCOL'],
  ] as const) {
    await order(first.channel, 'connect', { path });
    using pool = createPool({ kind });
    using body = pool.from('sealed or not');
    assert.equal(await give(first.channel, body), 'passed');
    assert.equal(await order(first.channel, 'try to pass', { path }), outcome);
    await order(first.channel, 'disconnect', { path });
  }
  assert.equal(((await order(second.channel, 'read')) as string[]).length, 1);
});

test(
  'a process of another user gets what its ACL admits, also from others, and nothing else',
  foreign,
  async () => {
    await using family = new Family();
    const ours = await family.fork(AGENT);
    using program = new PublicProgram(AGENT);
    const theirs = await family.fork(program.url, [], { ...NOBODY, execArgv: [], cwd: program.folder });
    assert.equal(theirs.channel.peer.uid, NOBODY.uid);
    const path = name();
    await order(theirs.channel, 'listen', { path });
    await order(ours.channel, 'connect', { path });
    const cases: [Acl | undefined, string][] = [
      [undefined, 'ERR_IOLITE_ACCESS'],
      [{ uids: [0] }, 'ERR_IOLITE_ACCESS'],
      [everyone, 'passed'],
      [{ uids: [0, NOBODY.uid] }, 'passed'],
      [{ uids: [0], gids: [NOBODY.gid] }, 'passed'],
    ];
    for (const [acl, outcome] of cases) {
      using pool = createPool(acl === undefined ? {} : { acl });
      using body = pool.from('for some');
      assert.equal(await give(theirs.channel, body), outcome);
      await order(theirs.channel, 'release');
      assert.equal(await give(ours.channel, body), 'passed');
      assert.equal(await order(ours.channel, 'try to pass', { path }), outcome);
      assert.equal(((await order(theirs.channel, 'read')) as string[]).length, outcome === 'passed' ? 1 : 0);
      for (const { channel } of [ours, theirs]) await order(channel, 'release');
    }
  },
);

test(
  'a process of another user can read what it was passed, and cannot get at anything else',
  foreign,
  async () => {
    await using family = new Family();
    using folder = new Folder();
    chmodSync(folder.path, 0o755);
    using shared = createPool({ name: 'shared', acl: everyone });
    using secret = createPool({ name: 'secret' });
    using body = shared.from('for everybody');
    using hidden = secret.from('not for you');
    using program = new PublicProgram(AGENT);
    const { channel } = await family.fork(program.url, [], { ...NOBODY, execArgv: [], cwd: program.folder });
    await using closed = await listen(name());
    await using file = await listen(folder.file('socket'), { acl: everyone });
    assert.equal(await give(channel, body), 'passed');
    assert.equal(await give(channel, hidden), 'ERR_IOLITE_ACCESS');
    assert.deepEqual(await order(channel, 'attack', { size: 256 }), {
      descriptors: 'EACCES',
      mapFiles: 'EACCES',
      opened: 0,
      memory: 'EACCES',
      names: 0,
      secretSeen: false,
      written: 0,
    });
    for (const [path, code] of [
      [closed.path, 'ERR_IOLITE_ACCESS'],
      [file.path, 'EACCES'],
    ] as const) {
      await assert.rejects(order(channel, 'connect', { path }), { code });
    }
    assert.equal(body.toString(), 'for everybody');
    assert.equal(((await order(channel, 'read')) as string[]).length, 1);
  },
);

test('connect() goes to nobody whom its acl does not admit, and sends them nothing', foreign, async () => {
  await using family = new Family();
  using program = new PublicProgram(AGENT);
  const { channel } = await family.fork(program.url, [], { ...NOBODY, execArgv: [], cwd: program.folder });
  const path = name();
  await order(channel, 'listen', { path });
  await assert.rejects(connect(path), { code: 'ERR_IOLITE_ACCESS' });
  await assert.rejects(connect(path, { acl: { pids: [process.pid] } }), { code: 'ERR_IOLITE_ACCESS' });
  for (const acl of [everyone, { uids: [NOBODY.uid] }, { peers: [channel] }]) {
    await using admitted = await connect(path, { acl });
    assert.equal(admitted.peer.uid, NOBODY.uid);
  }
});
