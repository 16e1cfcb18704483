import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { Supervisor, type Worker, type WorkerExit } from '../../../src/ipc/meet/supervisor.ts';
import { closeDescriptor } from '../../../src/os/descriptor.ts';
import { openListeners } from '../../../src/os/listen/listener.ts';
import { watchdog } from '../../support/watchdog.ts';

const MODULE = new URL('../../http/children/supervised.ts', import.meta.url);

interface Supervised {
  readonly supervisor: Supervisor;
  readonly port: number;
  readonly exits: WorkerExit[];
}

/** A supervisor of the child above, killed with all its workers in the end. */
async function supervised(
  count: number,
  mode: string,
  use: (supervised: Supervised) => Promise<void>,
): Promise<void> {
  const before = openSockets();
  const { fds, port } = openListeners('127.0.0.1', 0, count);
  const supervisor = new Supervisor({
    module: MODULE,
    args: [mode],
    descriptors: fds.map(fd => [fd]),
    connect: ({ channel }) =>
      new Promise(resolve => {
        channel.onRequest(() => {
          resolve();
          return {};
        });
      }),
  });
  const exits: WorkerExit[] = [];
  supervisor.on('exit', exit => exits.push(exit));
  try {
    await use({ supervisor, port, exits });
  } finally {
    for (const fd of fds) closeDescriptor(fd);
    await watchdog(supervisor.close({ force: true }), 'the workers to be killed');
  }
  await watchdog(refused(port), 'the port to be closed');
  while (openSockets() > before) await new Promise(setImmediate);
}

function openSockets(): number {
  return readdirSync('/proc/self/fd').filter(name => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

async function refused(port: number): Promise<void> {
  const [error] = await once(connect(port, '127.0.0.1'), 'error');
  assert.equal(error.code, 'ECONNREFUSED');
}

/** The process that answers a new connection. */
async function answerer(port: number): Promise<number> {
  const socket: Socket = connect(port, '127.0.0.1');
  let text = '';
  for await (const bytes of socket) text += bytes;
  return Number(text);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const pids = (workers: readonly Worker[]): number[] => workers.map(({ pid }) => pid);

test('start() gives each socket a worker; close() drains them and leaves nothing', async () => {
  await supervised(3, 'serves', async ({ supervisor, port, exits }) => {
    await watchdog(supervisor.start(), 'the workers to serve');
    const started = pids(supervisor.workers);
    assert.equal(new Set(started).size, 3);
    const reached = new Set<number>();
    while (reached.size < 3) reached.add(await watchdog(answerer(port), 'an answer'));
    assert.deepEqual([...reached].sort(), [...started].sort());
    await watchdog(supervisor.close(), 'the workers to drain');
    assert.equal(supervisor.workers.length, 0);
    assert.deepEqual(started.filter(alive), []);
    assert.equal(exits.length, 3);
    for (const { reason } of exits) assert.match(reason, /^Worker \d+ exited with code 0$/);
    await assert.rejects(supervisor.start(), { code: 'ERR_IOLITE_CLOSED' });
  });
});

test('a worker that is killed is replaced at the same socket, where connections wait', async () => {
  await supervised(1, 'serves', async ({ supervisor, port, exits }) => {
    await watchdog(supervisor.start(), 'the worker to serve');
    const [first] = supervisor.workers;
    const killed = once(supervisor, 'exit');
    process.kill(first?.pid as number, 'SIGKILL');
    await watchdog(killed, 'the worker to end');
    // Nobody accepts now.
    const pid = await watchdog(answerer(port), 'an answer of the replacement');
    assert.notEqual(pid, first?.pid);
    assert.deepEqual(
      supervisor.workers.map(worker => [worker.slot, worker.pid]),
      [[0, pid]],
    );
    assert.deepEqual(exits, [
      { slot: 0, reason: `Worker ${first?.pid} was killed by SIGKILL`, restartsIn: exits[0]?.restartsIn },
    ]);
  });
});

test('workers that fail at start are tried again, later each time, and reported', async () => {
  await supervised(2, 'fails', async ({ supervisor, exits }) => {
    const failing = once(supervisor, 'failing');
    await watchdog(supervisor.start(), 'start() to give up waiting');
    const [error] = await watchdog(failing, 'the report');
    assert.match(error.message, /exited with code 3/);
    for (const slot of [0, 1]) {
      const delays = exits.filter(exit => exit.slot === slot).map(exit => exit.restartsIn);
      assert.deepEqual(delays.slice(0, 3), [100, 200, 400]);
    }
    // One waits for its next start now, which close() does not wait for.
    await watchdog(supervisor.close(), 'the supervisor to close');
    const count = exits.length;
    assert.ok(count >= 6);
  });
});

test('close() with force kills workers that do not drain', async () => {
  await supervised(2, 'stubborn', async ({ supervisor, exits }) => {
    await watchdog(supervisor.start(), 'the workers to serve');
    const started = pids(supervisor.workers);
    const closed = supervisor.close();
    await watchdog(supervisor.close({ force: true }), 'the workers to be killed');
    await closed;
    assert.deepEqual(started.filter(alive), []);
    assert.deepEqual(
      exits.map(({ reason }) => reason).sort(),
      started.map(pid => `Worker ${pid} was killed by SIGKILL`).sort(),
    );
  });
});

test('close() kills workers that do not drain in 10 seconds', async () => {
  await supervised(1, 'stubborn', async ({ supervisor, exits }) => {
    await watchdog(supervisor.start(), 'the worker to serve');
    await watchdog(supervisor.close(), 'the worker to be killed');
    assert.match(exits[0]?.reason ?? '', /SIGKILL/);
  });
});

test('close() while workers are being started ends them', async () => {
  await supervised(2, 'serves', async ({ supervisor, exits }) => {
    const started = supervisor.start();
    await watchdog(supervisor.close(), 'the supervisor to close');
    await watchdog(started, 'start() to resolve');
    assert.equal(exits.length, 2);
    assert.equal(supervisor.workers.length, 0);
  });
});

test('a channel that cannot be set up ends its worker, with the reason', async () => {
  const { fds } = openListeners('127.0.0.1', 0, 1);
  const supervisor = new Supervisor({
    module: MODULE,
    descriptors: fds.map(fd => [fd]),
    connect: () => {
      throw new Error('No such luck');
    },
  });
  const exited = once(supervisor, 'exit');
  try {
    void supervisor.start();
    const [{ reason }] = await watchdog(exited, 'the worker to end');
    assert.equal(reason, 'No such luck');
  } finally {
    for (const fd of fds) closeDescriptor(fd);
    await watchdog(supervisor.close({ force: true }), 'the supervisor to close');
  }
});
