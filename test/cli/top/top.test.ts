import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { InspectorStatus } from '../../../src/cli/serve/inspect/inspector-status.ts';
import { inspectorAt } from '../../../src/cli/top/inspector-source.ts';
import { connectToServer } from '../../../src/cli/top/running-servers.ts';
import { sparkline, topReport } from '../../../src/cli/top/top-report.ts';
import { Folder } from '../../support/folder.ts';
import { get, Iolite, Served } from '../support/server.ts';

/** What a command prints that ends by itself. */
async function printed(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  await using iolite = new Iolite(args);
  const { code } = await iolite.ended();
  return { code, stdout: iolite.stdout, stderr: iolite.stderr };
}

test('iolite top: a server by its process id, or by the address of its inspector', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  const token = 'a-token-of-my-own-1';
  await using served = await Served.start(folder.path, ['-w', '1', '--inspect', '127.0.0.1:0'], {
    IOLITE_INSPECT_TOKEN: token,
  });
  for (let i = 0; i < 3; i++) await get(served.port, '/');
  const [, url = ''] = /^Inspector: (\S+)$/m.exec(served.stdout) ?? [];
  for (const args of [[`${served.pid}`], [url, '--token', token], [`${url}#token=${token}`]]) {
    const { code, stdout, stderr } = await printed('top', ...args, '--json');
    assert.equal(code, 0, stderr);
    const status = JSON.parse(stdout) as InspectorStatus;
    assert.deepEqual(status.requests, [{ lane: 'lane', status: '200', count: 3 }]);
    assert.equal(status.processes[0]?.pid, served.pid);
  }
  const { stdout } = await printed('top', `${served.pid}`);
  assert.match(stdout, /^requests 0\/s, 3 in all /m);
  assert.match(stdout, new RegExp(`^primary +${served.pid} `, 'm'));
  const refused = await printed('top', url, '--json');
  assert.deepEqual([refused.code, refused.stdout], [1, '']);
  assert.match(refused.stderr, /its token is wanted \(--token\)/);

  // What ends says so, and its socket leads nowhere.
  served.process.kill('SIGTERM');
  await served.ended();
  await assert.rejects(connectToServer(served.pid), /no iolite serve with the process id \d+ of this user/);
});

test('what is no server is said', async () => {
  assert.throws(() => inspectorAt('here'), /a process id, or an address as 127\.0\.0\.1:9465 is wanted/);
  await assert.rejects(inspectorAt('127.0.0.1:1').read(), /Cannot reach http:\/\/127\.0\.0\.1:1: /);
});

test('no line of a report is wider than the terminal', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  await using served = await Served.start(folder.path, ['-w', '1']);
  const status = await served.status();
  for (const columns of [20, 80, 200]) {
    for (const { text } of topReport(status, undefined, [1, 2, 3], columns))
      assert.ok(text.length <= columns);
  }
  assert.equal(sparkline([0, 4, 8], 5), '   ▄█');
  assert.equal(sparkline([9, 9, 1, 2], 2), '▄█');
});
