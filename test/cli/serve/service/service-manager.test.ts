import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ServiceManager } from '../../../../src/cli/serve/service/service-manager.ts';
import { NotifyReceiver } from '../../../os/support/notify-receiver.ts';
import { Folder } from '../../../support/folder.ts';
import { get, Served } from '../../support/server.ts';

test('it says what it is at, each once, and never that it serves when it is about to end', async () => {
  using receiver = new NotifyReceiver(`@iolite-test-${process.pid}/states`);
  const environment: NodeJS.ProcessEnv = { NOTIFY_SOCKET: receiver.path, WATCHDOG_USEC: '0', HOME: '/' };
  const manager = new ServiceManager(environment);
  assert.deepEqual(environment, { HOME: '/' });
  manager.reloading();
  manager.ready('two\nlines');
  manager.ready('again');
  const before = process.hrtime.bigint() / 1000n;
  manager.reloading();
  manager.reloaded('new');
  manager.reloading();
  manager.stopping(1000);
  manager.reloaded('late');
  manager.stopping(1000);
  const mainPid = { READY: '1', MAINPID: `${process.pid}`, STATUS: 'two lines' };
  assert.deepEqual(await receiver.next(), mainPid);
  const { MONOTONIC_USEC, RELOADING } = await receiver.next();
  assert.equal(RELOADING, '1');
  assert.ok(BigInt(MONOTONIC_USEC as string) >= before);
  assert.deepEqual(await receiver.next(), { READY: '1', STATUS: 'new' });
  assert.equal((await receiver.next()).RELOADING, '1');
  const { STOPPING, EXTEND_TIMEOUT_USEC } = await receiver.next();
  assert.deepEqual([STOPPING, EXTEND_TIMEOUT_USEC], ['1', '6000000']);
  manager.watch(async () => assert.fail('nobody wants to hear of it'));
  manager.close();
});

test('pings come while all answer, and not where the watchdog is of another process', async () => {
  using receiver = new NotifyReceiver(`@iolite-test-${process.pid}/watchdog`);
  const variables = { NOTIFY_SOCKET: receiver.path, WATCHDOG_USEC: '30000', WATCHDOG_PID: `${process.pid}` };
  new ServiceManager({ ...variables, WATCHDOG_PID: '1' }).watch(async () => assert.fail('it is not asked'));
  const manager = new ServiceManager({ ...variables });
  const answers = [true, true, false, false, true];
  let ask = (): void => {};
  const asked = new Promise<void>(resolve => {
    ask = resolve;
  });
  manager.watch(async limit => {
    assert.equal(limit, 10);
    const answer = answers.shift();
    if (answers.length === 0) {
      ask();
      manager.close();
    }
    return answer ?? false;
  });
  await asked;
  const heard = [await receiver.next(), await receiver.next(), await receiver.next()];
  assert.deepEqual(
    heard.map(message => Object.keys(message)[0]),
    ['WATCHDOG', 'WATCHDOG', 'STATUS'],
  );
});

test('a server tells systemd when it serves, reloads, lives and ends, and its processes do not', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  writeFileSync(folder.file('iolite.json'), JSON.stringify({ root: '.', workers: 1 }));
  using receiver = new NotifyReceiver(folder.file('notify'));
  const env = { NOTIFY_SOCKET: receiver.path, WATCHDOG_USEC: '600000' };
  await using served = await Served.startWith(['--config', folder.file('iolite.json')], env);
  const ready = await receiver.next();
  assert.deepEqual([ready.READY, ready.MAINPID], ['1', `${served.pid}`]);
  assert.match(ready.STATUS as string, /^Serving .* with 1 worker$/);
  assert.equal((await get(served.port, '/')).status, 200);
  const [worker] = (await served.workers()) as [number];
  assert.doesNotMatch(readFileSync(`/proc/${worker}/environ`, 'latin1'), /NOTIFY_|WATCHDOG_/);
  await receiver.nextWith('WATCHDOG');
  process.kill(worker, 'SIGSTOP');
  assert.match((await receiver.nextWith('STATUS')).STATUS as string, /^A worker does not answer/);
  process.kill(worker, 'SIGCONT');
  await receiver.nextWith('WATCHDOG');
  writeFileSync(folder.file('iolite.json'), '{');
  served.process.kill('SIGHUP');
  assert.equal((await receiver.nextWith('RELOADING')).RELOADING, '1');
  const after = await receiver.nextWith('READY');
  assert.match(after.STATUS as string, /^Cannot reload: Cannot use .*: it is not JSON/);
  served.process.kill('SIGTERM');
  assert.equal((await receiver.nextWith('STOPPING')).STOPPING, '1');
  assert.deepEqual(await served.ended(), { code: 0, signal: null });
});

test('a manager that cannot be told is complained of once, and serving goes on', async () => {
  using folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  await using served = await Served.start(folder.path, ['-w', '1'], { NOTIFY_SOCKET: 'vsock:2:1234' });
  assert.equal((await get(served.port, '/')).status, 200);
  served.process.kill('SIGTERM');
  assert.equal((await served.ended()).code, 0);
  assert.match(served.stderr, /^iolite: Cannot tell the service manager at vsock:2:1234: [^\n]*\n$/);
});
