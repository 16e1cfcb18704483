import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Folder } from '../../support/folder.ts';
import { holdings } from '../../support/holdings.ts';
import { watchdog } from '../../support/watchdog.ts';
import { get, Served, untilGone } from '../support/server.ts';

const APPLICATION = fileURLToPath(new URL('../../http/app/children/application.ts', import.meta.url));
const FILE = Buffer.alloc(300_000, 'a line of a file\n');
const KEPT = Buffer.from('kept '.repeat(50_000));
const CLIENTS = 6;
const ROUNDS = 4;

/** A process of a role, also while processes die. */
async function victimOf(served: Served, role: 'worker' | 'application'): Promise<number> {
  for (;;) {
    const [victim] = await served.pidsOf(role).catch(() => []);
    if (victim !== undefined) return victim;
  }
}

/** Asks for something and resets the connection in the middle of the answer. */
function reset(port: number, path: string): Promise<void> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`));
    socket.once('data', () => socket.resetAndDestroy());
    socket.on('error', () => {});
    socket.once('close', () => resolve());
  });
}

test('killed processes and reset connections: no wrong byte, nothing stuck, nothing left', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('file'), FILE);
  await using served = await Served.startSources([
    folder.path,
    '-w',
    '2',
    '--app',
    APPLICATION,
    '--app-workers',
    '2',
  ]);
  const wanted = new Map([
    ['/file', FILE],
    ['/kept', KEPT],
  ]);
  let stopped = false;
  let right = 0;
  const client = async (): Promise<void> => {
    while (!stopped) {
      for (const [path, bytes] of wanted) {
        // A process that dies takes its connections along, or the answer of an application.
        const answer = await get(served.port, path).catch((error: Error) => {
          assert.doesNotMatch(error.message, /in vain/);
          return undefined;
        });
        if (answer?.status !== 200) continue;
        assert.ok(answer.body.equals(bytes), `${path} is right`);
        right += 1;
      }
    }
  };
  const resetter = async (): Promise<void> => {
    while (!stopped)
      for (const path of ['/kept', '/endless', '/file']) await watchdog(reset(served.port, path), 'a reset');
  };
  const load = Promise.all([...Array.from({ length: CLIENTS }, client), resetter()]);
  load.catch(() => {
    stopped = true;
  });
  for (let round = 0; round < ROUNDS && !stopped; round++) {
    const before = right;
    for (const role of ['worker', 'application'] as const) {
      const victim = await victimOf(served, role);
      process.kill(victim, 'SIGKILL');
      await untilGone([victim]);
    }
    const answers = async (): Promise<void> => {
      while (right < before + 20 && !stopped) await new Promise(setImmediate);
    };
    await watchdog(answers(), 'right answers again');
  }
  stopped = true;
  await load;
  const complete = async (): Promise<void> => {
    while ((await served.pidsOf('worker')).length < 2 || (await served.pidsOf('application')).length < 2) {
      await new Promise(setImmediate);
    }
  };
  await watchdog(complete(), 'all processes to be back');
  for (const [path, bytes] of wanted) assert.ok((await get(served.port, path)).body.equals(bytes));
  // What the primary holds does not grow with the number of deaths.
  const { descriptors } = holdings(served.pid);
  assert.ok(descriptors < 40, `${descriptors} descriptors are held`);
});
