import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import { ended, Family } from '../../support/family.ts';
import { Folder } from '../../support/folder.ts';
import { holdingsReturnTo, settledHoldings } from '../../support/holdings.ts';
import { watchdog } from '../../support/watchdog.ts';
import { physicalBytes } from '../support/physical.ts';
import { RandomWriter } from '../support/versioned.ts';

const READER = new URL('../children/checking-reader.ts', import.meta.url);
const OWNER = new URL('../children/listening-owner.ts', import.meta.url);
const MiB = 1024 ** 2;

interface Report {
  readonly reads: number;
  readonly detached: number;
  readonly attached: boolean;
  readonly problems: readonly string[];
  readonly codes: Readonly<Record<string, number>>;
}

async function ask(channel: Channel, head: { start?: string[] } = {}): Promise<Report> {
  const answer = await watchdog(channel.request({ head }), 'an answer');
  return answer.head as unknown as Report;
}

test('attached domains that are killed take nothing with them', async () => {
  using folder = new Folder();
  const before = await settledHoldings();
  {
    await using family = new Family();
    using cache = createFileCache({ budget: 2 * MiB, maxStale: 20 });
    const paths = Array.from({ length: 40 }, (_, i) => folder.file(`${i}`));
    const writer = new RandomWriter(paths, Math.random);
    const start = async () => {
      const reader = await family.fork(READER);
      cache.serve(reader.channel);
      await ask(reader.channel, { start: paths });
      return reader;
    };
    const witness = await start();
    for (let round = 0; round < 4; round++) {
      const victim = await start();
      for (let step = 0; step < 30; step++) {
        writer.step();
        await setTimeout(Math.random() * 5);
      }
      await ended(victim.process, 'SIGKILL');
      assert.ok(physicalBytes('cache', [process.pid, witness.process.pid as number]) <= 2 * MiB);
    }
    const { problems, codes, reads } = await ask(witness.channel);
    assert.deepEqual(problems, []);
    assert.ok(reads > 0);
    assert.deepEqual(
      Object.keys(codes).filter(code => code !== 'ENOENT' && code !== 'ERR_IOLITE_FILE'),
      [],
    );
    // What the dead held is free again: all of a new set of files finds room.
    for (const path of paths) (await cache.read(path)).release();
    const isFree = async (): Promise<void> => {
      // A kernel lock goes some milliseconds after its last use.
      while (cache.stats().leased > 0) await setTimeout(1);
    };
    await watchdog(isFree(), 'what was left to be free');
  }
  await holdingsReturnTo(before);
});

test('attached domains outlive their owner, attach to the next one, and never go back', async () => {
  using folder = new Folder();
  await using family = new Family();
  const endpoint = folder.file('owner.sock');
  const paths = Array.from({ length: 30 }, (_, i) => folder.file(`${i}`));
  const writer = new RandomWriter(paths, Math.random);
  const rounds = 3;
  let owner = await family.fork(OWNER, [endpoint]);
  const readers = await Promise.all([1, 2, 3].map(() => family.fork(READER, [endpoint])));
  for (const { channel } of readers) await ask(channel, { start: paths });
  for (let round = 0; round < rounds; round++) {
    for (let step = 0; step < 40; step++) {
      writer.step();
      await setTimeout(Math.random() * 5);
    }
    await ended(owner.process, 'SIGKILL');
    for (let step = 0; step < 10; step++) writer.step();
    owner = await family.fork(OWNER, [endpoint]);
  }
  for (const { channel } of readers) {
    const { problems, codes, reads, detached, attached } = await ask(channel);
    assert.deepEqual(problems, []);
    assert.ok(reads > 0);
    assert.ok(attached);
    assert.ok(detached >= 1 && detached <= rounds, `${detached} times`);
    const expected = ['ENOENT', 'ERR_IOLITE_FILE', 'ERR_IOLITE_PEER', 'ERR_IOLITE_CLOSED'];
    assert.deepEqual(
      Object.keys(codes).filter(code => !expected.includes(code)),
      [],
    );
  }
});
