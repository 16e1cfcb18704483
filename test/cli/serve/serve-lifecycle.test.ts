import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { Agent } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import {
  connectToEach,
  get,
  Iolite,
  Served,
  SlowDownload,
  untilGone,
  untilRefused,
} from '../support/server.ts';

/** Larger than what the sockets at both ends take up. */
const LARGE = Buffer.alloc(32 * 1024 ** 2, 'a line that is as long as this one\n');

function site(): Folder {
  const folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  writeFileSync(folder.file('large.bin'), LARGE);
  return folder;
}

test('a worker killed under load is replaced, and the others answer every request', async () => {
  using folder = site();
  await using served = await Served.start(folder.path, ['-w', '3']);
  const agents = await connectToEach(served.port, 3);
  let stopped = false;
  try {
    const [[victim] = [0], ...others] = [...agents];
    let answers = 0;
    const load = others.map(async ([worker, agent]) => {
      while (!stopped) {
        const answer = await get(served.port, '/', { agent });
        assert.deepEqual([answer.status, answer.worker, answer.body.toString()], [200, worker, 'home']);
        answers += 1;
      }
    });
    const victimsLoad = (async () => {
      // Fails when the worker dies.
      while (!stopped) await get(served.port, '/', { agent: agents.get(victim) as Agent });
    })().catch(() => {});
    process.kill(victim, 'SIGKILL');
    let replacement: number | undefined;
    while (replacement === undefined) {
      // On new connections: they may have been the victim's.
      const worker = await get(served.port, '/').then(
        answer => answer.worker,
        () => victim,
      );
      if (!agents.has(worker)) replacement = worker;
    }
    const before = answers;
    while (answers < before + 20) await new Promise(setImmediate);
    stopped = true;
    await Promise.all([...load, victimsLoad]);
    assert.deepEqual(
      (await served.workers()).sort(),
      [replacement, ...others.map(([worker]) => worker)].sort(),
    );
    assert.match(
      served.stderr,
      new RegExp(`^iolite: Worker ${victim} was killed by SIGKILL; another starts`),
    );
  } finally {
    stopped = true;
    for (const agent of agents.values()) agent.destroy();
  }
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
  test(`${signal} finishes a slow download, then ends with code 0 and leaves none`, async () => {
    using folder = site();
    await using served = await Served.start(folder.path, ['-w', '2']);
    const workers = await served.workers();
    // Connections that are kept, and one that says nothing, do not keep it from its end.
    const agents = await connectToEach(served.port, 2);
    const silent = connect(served.port, '127.0.0.1');
    silent.on('error', () => {});
    using download = await SlowDownload.start(served.port, '/large.bin');
    try {
      if (signal !== 'SIGTERM') served.signalGroup(signal);
      else served.process.kill(signal);
      await untilRefused(served.port);
      assert.ok(LARGE.equals(await download.finish()), 'the download is whole');
      assert.deepEqual(await served.ended(), { code: 0, signal: null });
      await untilGone(workers);
      assert.equal(served.stderr, '');
    } finally {
      silent.destroy();
      for (const agent of agents.values()) agent.destroy();
    }
  });
}

test('a second signal ends it at once', async () => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    using folder = site();
    await using served = await Served.start(folder.path, ['-w', '2']);
    const workers = await served.workers();
    using download = await SlowDownload.start(served.port, '/large.bin');
    served.process.kill(signal);
    await untilRefused(served.port);
    // The same signal within 100 ms counts as one: sent until it is heard.
    const ended = served.ended();
    const again = setInterval(() => served.process.kill(signal), 50);
    try {
      assert.deepEqual(await ended, { code, signal: null });
    } finally {
      clearInterval(again);
    }
    await untilGone(workers);
    assert.ok((await download.finish()).length < LARGE.length);
  }
});

test('a signal while the workers start ends it with code 0', async () => {
  using folder = site();
  const served = await Served.start(folder.path, ['-w', '1']);
  await using _ = served;
  const [worker] = await served.workers();
  process.kill(worker as number, 'SIGKILL');
  const { stderr } = served.process;
  while (!served.stderr.includes('another starts'))
    await watchdog(once(stderr as never, 'data'), 'a restart');
  served.process.kill('SIGTERM');
  assert.deepEqual(await served.ended(), { code: 0, signal: null });
});

test('when the primary is killed, the workers finish their responses and exit', async () => {
  using folder = site();
  await using served = await Served.start(folder.path, ['-w', '3']);
  const workers = await served.workers();
  const agents = await connectToEach(served.port, 3);
  using download = await SlowDownload.start(served.port, '/large.bin');
  try {
    served.process.kill('SIGKILL');
    await untilRefused(served.port);
    assert.ok(LARGE.equals(await download.finish()), 'the download is whole');
    assert.deepEqual(await served.ended(), { code: null, signal: 'SIGKILL' });
    await untilGone(workers);
  } finally {
    for (const agent of agents.values()) agent.destroy();
  }
});

test('when the primary is killed while nothing goes on, the workers exit', async () => {
  using folder = site();
  await using served = await Served.start(folder.path, ['-w', '2']);
  const workers = await served.workers();
  served.process.kill('SIGKILL');
  await served.ended();
  await untilGone(workers);
});

test('before it ends it accepts connections for as long as is said, and is not ready', async () => {
  using folder = site();
  const config = folder.file('config.json');
  writeFileSync(
    config,
    JSON.stringify({ root: '.', workers: 2, drain: { delay: '1 hour', time: '1 hour' } }),
  );
  await using served = await Served.startWith(['--config', config]);
  assert.equal((await get(served.port, '/ready')).status, 200);
  served.process.kill('SIGTERM');
  // Both workers hear of it, each in its time.
  const leaving = new Set<number>();
  const told = async (): Promise<void> => {
    while (leaving.size < 2) {
      const { status, worker } = await get(served.port, '/ready');
      if (status === 503) leaving.add(worker);
    }
  };
  await watchdog(told(), 'both workers to leave');
  assert.equal((await get(served.port, '/')).body.toString(), 'home');
  const killed = async (): Promise<void> => {
    while (served.process.exitCode === null) {
      served.process.kill('SIGTERM');
      await new Promise(setImmediate);
    }
  };
  await watchdog(killed(), 'the second signal to end it');
  assert.deepEqual(await served.ended(), { code: 143, signal: null });
});

test('a download gets as long at the end as drain.time says', async () => {
  for (const [time, isWhole] of [
    [1, false],
    ['1 hour', true],
  ] as const) {
    using folder = site();
    const config = folder.file('config.json');
    writeFileSync(config, JSON.stringify({ root: '.', workers: 1, drain: { time } }));
    await using served = await Served.startWith(['--config', config]);
    using download = await SlowDownload.start(served.port, '/large.bin');
    const workers = await served.workers();
    served.process.kill('SIGTERM');
    await untilRefused(served.port);
    // Nobody reads until it has ended, or waits for the reader.
    if (!isWhole) await untilGone(workers);
    assert.equal((await download.finish()).equals(LARGE), isWhole, String(time));
    assert.deepEqual(await served.ended(), { code: 0, signal: null });
  }
});

test('when the delay is over, it ends as ever', async () => {
  using folder = site();
  const config = folder.file('config.json');
  writeFileSync(config, JSON.stringify({ root: '.', workers: 1, drain: { delay: 1 } }));
  await using served = await Served.startWith(['--config', config]);
  served.process.kill('SIGTERM');
  assert.deepEqual(await served.ended(), { code: 0, signal: null });
});

test('HOST and PORT of the environment say where it listens, unless something else does', async () => {
  using folder = site();
  await using served = await Served.startWith([folder.path, '-w', '1'], { HOST: '127.0.0.2', PORT: '1' });
  assert.match(served.stdout, /at http:\/\/127\.0\.0\.2:\d+\/ with/);
  await using wrong = new Iolite(['serve', folder.path], { env: { PORT: 'http' } });
  assert.equal((await wrong.ended()).code, 1);
  assert.match(
    wrong.stderr,
    /^iolite: Cannot use PORT: an integer, 0 to 65535, is wanted, http was given\n$/,
  );
});
