import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Json } from '../../../src/base/json.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import { connect } from '../../../src/ipc/meet/connect.ts';
import { WatchedEndpoint } from '../../ipc/support/watched-endpoint.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

const OWNER = new URL('../children/watched-owner.ts', import.meta.url);
const MANY = 8000;
const DOMAINS = 16;
const AT_ONCE = 1024;

let folder: Folder;
let owner: WatchedEndpoint;
before(async () => {
  folder = new Folder();
  for (const name of ['first', 'many']) {
    mkdirSync(folder.file(name));
    for (let i = 0; i < MANY; i++) writeFileSync(folder.file(`${name}/${i}`), `${i}`);
  }
  // The threads of the collector would wait for a processor, and the loop for them.
  owner = new WatchedEndpoint(OWNER, [folder.path], ['--single-threaded-gc']);
  await owner.start();
  // What is only slow the first time is not the peers' doing.
  await owner.warm(async () => {
    await using channel = await attach();
    for (let i = 0; i < MANY / 4; i += 20) {
      await Promise.all(serials(20).map(n => ask(channel, read(`first/${i + n}`))));
    }
  });
});
after(async () => {
  await owner[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** What a domain asks that is attached as it likes: requests of our own make. */
async function withstand(name: string, attack: (channel: Channel) => Promise<unknown>): Promise<void> {
  await owner.withstand(async () => {
    await using channel = await attach();
    await watchdog(attack(channel), name, 60_000);
  }, name);
}

async function attach(): Promise<Channel> {
  const channel = await connect(owner.path);
  const { head } = await channel.request({ head: { type: 'files.attach' } });
  assert.ok((head as { budget: number }).budget > 0);
  return channel;
}

async function ask(channel: Channel, head: Json): Promise<void> {
  const { body } = await channel.request({ head });
  body?.release();
}

async function askAll(channel: Channel, count: number, headOf: (i: number) => Json): Promise<void> {
  for (let at = 0; at < count; at += AT_ONCE) {
    const asked = Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, i) =>
      ask(channel, headOf(at + i)).catch(() => {}),
    );
    await Promise.all(asked);
  }
}

const read = (name: string): Json => ({ type: 'files.read', key: folder.file(name) });

const serials = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

test('very many questions at once, of several domains, do not stop the owner', async () => {
  const channels = await Promise.all(Array.from({ length: DOMAINS }, () => attach()));
  const askEach = (): Promise<unknown> =>
    Promise.all(
      channels.map((channel, n) => askAll(channel, MANY / DOMAINS, i => read(`many/${DOMAINS * i + n}`))),
    );
  await owner.withstand(async () => {
    await watchdog(askEach(), 'the answers', 60_000);
  }, 'several domains');
  for (const channel of channels) await channel.close();
});

test('reports of very many versions do not stop the owner', async () => {
  const report = (lists: Json): Json => ({ type: 'files.report', ...(lists as object) });
  const empty = { used: [], forgot: [], held: [], freed: [] };
  const lists: Record<string, Json> = {
    forgot: { ...empty, forgot: serials(145_000) },
    held: { ...empty, held: serials(145_000) },
    freed: { ...empty, freed: Array(500_000).fill(1) },
    used: { ...empty, used: serials(80_000).map(serial => [serial, 1e9]) },
  };
  for (const [name, list] of Object.entries(lists)) {
    await withstand(name, async channel => {
      await askAll(channel, MANY, i => read(`many/${i}`));
      for (let i = 0; i < 4; i++) await ask(channel, report(list)).catch(() => {});
    });
  }
});

test('nor do questions for very many files that are not there, or whose names are long', async () => {
  for (const [name, keyOf] of Object.entries({
    missing: (i: number) => folder.file(`missing-${i}`),
    deep: (i: number) => folder.file(`${'a/'.repeat(1500)}${i}`),
    dots: (i: number) => folder.file(`many/${'../many/'.repeat(400)}${i}`),
    outside: (i: number) => `/etc/${'x'.repeat(200)}${i}`,
    endless: (i: number) => `${folder.path}/${'x'.repeat(100_000)}${i}`,
  })) {
    await withstand(name, channel => askAll(channel, 4000, i => ({ type: 'files.read', key: keyOf(i) })));
  }
});
