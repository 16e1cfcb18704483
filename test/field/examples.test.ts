/**
 * The examples for systemd, Docker and Kubernetes, each started as whoever reads it starts it.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import ms, { type StringValue } from 'ms';
import { parseAllDocuments } from 'yaml';
import { closeDescriptor } from '../../src/os/descriptor.ts';
import { openListeners } from '../../src/os/listen/listener.ts';
import { get, Iolite, Served } from '../cli/support/server.ts';
import { NotifyReceiver } from '../os/support/notify-receiver.ts';
import { Folder } from '../support/folder.ts';
import { MemoryCgroup } from '../support/memory-cgroup.ts';
import { isRoot } from '../support/public-program.ts';
import { ROOT } from '../support/root.ts';
import { Container } from './support/container.ts';
import { allOf, lastOf, parseDockerfile, wordsOf } from './support/dockerfile.ts';
import { parseUnitFile, settingOf, settingsOf, type UnitFile } from './support/unit-file.ts';

const MIB_BYTES = 1024 ** 2;
const SYSTEMD = join(ROOT, 'examples/systemd');
const DOCKER = join(ROOT, 'examples/docker');

function read(path: string): string {
  return readFileSync(join(ROOT, 'examples', path), 'utf8');
}

/** A folder of pages, and the settings of an example, which serve it. */
function site(settings: object): Folder {
  const folder = new Folder();
  mkdirSync(folder.file('pages'));
  writeFileSync(folder.file('pages/index.html'), 'home');
  writeFileSync(
    folder.file('iolite.config.json'),
    JSON.stringify({ ...settings, root: 'pages', workers: 1 }),
  );
  return folder;
}

/** The environment of a service: that of this process is not in it. */
function environmentOf(service: UnitFile): Record<string, string> {
  const said = settingsOf(service, 'Service', 'Environment').flatMap(line => line.split(' '));
  const ms = Number(settingOf(service, 'Service', 'WatchdogSec')) * 1000;
  const none = Object.keys(process.env).map(name => [name, undefined]);
  return {
    ...Object.fromEntries(none),
    ...Object.fromEntries(said.map(each => each.split('='))),
    PATH: process.env.PATH,
    WATCHDOG_USEC: `${ms * 1000}`,
  };
}

test('the units of systemd: what they start serves at its socket, and tells of itself', async () => {
  const service = parseUnitFile(read('systemd/iolite.service'));
  const socket = parseUnitFile(read('systemd/iolite.socket'));
  assert.deepEqual(settingsOf(service, 'Service', 'Type'), ['notify', 'notify-reload']);
  assert.equal(settingOf(service, 'Unit', 'Requires'), 'iolite.socket');
  const [program, ...args] = settingOf(service, 'Service', 'ExecStart').split(' ');
  assert.equal(program, 'iolite');
  assert.equal(args.at(-1), '/etc/iolite/iolite.config.json');
  using folder = site(JSON.parse(read('systemd/iolite.config.json')));
  const env = environmentOf(service);
  env.XDG_CACHE_HOME = folder.path;
  using receiver = new NotifyReceiver(folder.file('notify'));
  const { fds, port } = openListeners('127.0.0.1', 0, 1);
  const passed = [[settingOf(socket, 'Socket', 'FileDescriptorName'), fds[0] as number] as const];
  const given = [...args.slice(0, -1), folder.file('iolite.config.json')];
  await using iolite = new Iolite(given, { passed, env: { ...env, NOTIFY_SOCKET: receiver.path } });
  // Waits for it, as whoever connects before it serves does.
  assert.equal((await get(port, '/')).body.toString(), 'home');
  const ready = await receiver.nextWith('READY');
  assert.equal(ready.MAINPID, `${iolite.pid}`);
  await receiver.nextWith('WATCHDOG');
  // Type=notify-reload
  iolite.process.kill('SIGHUP');
  assert.ok('MONOTONIC_USEC' in (await receiver.nextWith('RELOADING')));
  await receiver.nextWith('READY');
  assert.equal((await get(port, '/ready')).status, 200);
  // KillMode=mixed
  iolite.process.kill('SIGTERM');
  await receiver.nextWith('STOPPING');
  assert.deepEqual(await iolite.ended(), { code: 0, signal: null });
  assert.equal(iolite.stderr, '');
  for (const fd of fds) closeDescriptor(fd);
});

const analyzer = spawnSync('systemd-analyze', ['--version']);

test('systemd has nothing to say against the units', {
  skip: analyzer.status !== 0 && 'no systemd-analyze',
}, () => {
  using folder = new Folder();
  cpSync(SYSTEMD, folder.path, { recursive: true });
  const unit = folder.file('iolite.service');
  // The command is not installed here.
  const text = read('systemd/iolite.service').replace('ExecStart=iolite', `ExecStart=${process.execPath}`);
  writeFileSync(unit, text);
  const { status, stdout, stderr } = spawnSync('systemd-analyze', [
    'verify',
    unit,
    folder.file('iolite.socket'),
  ]);
  const said = `${stdout}${stderr}`.split('\n').filter(line => line.includes('iolite'));
  assert.deepEqual(
    said.filter(line => !line.endsWith('Failed to parse service type, ignoring: notify-reload')),
    [],
  );
  assert.equal(status, 0);
});

/** What `docker build` makes of a Dockerfile, but for what it downloads. */
function imageOf(instructions: ReturnType<typeof parseDockerfile>, folder: Folder): void {
  for (const rest of allOf(instructions, 'COPY')) {
    const [from = '', to = ''] = rest.split(' ');
    cpSync(join(DOCKER, from), join(folder.path, to === './' ? from : to), { recursive: true });
  }
}

function containerToSkip(): string | false {
  if (!isRoot) return 'only root can make namespaces';
  if (spawnSync('unshare', ['--mount', '--pid', '--fork', 'nsenter', '--version']).status !== 0)
    return 'no namespaces can be made';
  const cgroup = MemoryCgroup.create(64 * MIB_BYTES);
  if (typeof cgroup === 'string') return cgroup;
  void cgroup[Symbol.asyncDispose]();
  return false;
}

test('the Dockerfile: what it starts is healthy as process 1, and SIGTERM ends it', {
  skip: containerToSkip(),
}, async () => {
  const instructions = parseDockerfile(read('docker/Dockerfile'));
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.equal(JSON.parse(read('docker/package.json')).dependencies.iolite, version);
  assert.equal(lastOf(instructions, 'STOPSIGNAL'), 'SIGTERM');
  const user = lastOf(instructions, 'USER');
  assert.match(user, /^[1-9]\d*:[1-9]\d*$/);
  using files = new Folder();
  using root = new Folder();
  imageOf(instructions, files);
  const said = allOf(instructions, 'ENV').flatMap(line => line.split(' ').map(each => each.split('=')));
  const free = openListeners('127.0.0.1', 0, 1);
  for (const fd of free.fds) closeDescriptor(fd);
  const cgroup = MemoryCgroup.create(256 * MIB_BYTES);
  assert.ok(typeof cgroup === 'object');
  await using _ = cgroup;
  await using container = new Container({
    cgroup,
    root: root.path,
    package: ROOT,
    files: files.path,
    folder: lastOf(instructions, 'WORKDIR'),
    user,
    env: { ...Object.fromEntries(said), PORT: `${free.port}` },
    command: wordsOf(lastOf(instructions, 'CMD')),
  });
  const health = wordsOf(lastOf(instructions, 'HEALTHCHECK'));
  assert.equal(await container.run(health), 1, 'nobody listens yet');
  await container.said(/^Serving public at http:\/\/0\.0\.0\.0:\d+\/ with \d workers?$/m);
  assert.equal(await container.run(health), 0);
  assert.match((await get(free.port, '/')).body.toString(), /Served by iolite/);
  container.signal('SIGTERM');
  assert.equal(await container.ended(), 0);
  assert.equal(cgroup.kills, 0);
});

/** An object of Kubernetes', as far as it is looked at here. */
interface Manifest {
  readonly kind: string;
  readonly data: Record<string, string>;
  readonly spec: {
    readonly selector: Record<string, string>;
    readonly ports: { readonly targetPort: string }[];
    readonly template: { readonly metadata: { readonly labels: object }; readonly spec: PodSpec };
  };
}

interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: [Record<`${'startup' | 'readiness' | 'liveness'}Probe`, Probe> & ContainerSpec];
}

interface ContainerSpec {
  readonly args: string[];
  readonly ports: { readonly name: string; readonly containerPort: number }[];
  readonly resources: { readonly limits: { readonly memory: string } };
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

function manifests(): Map<string, Manifest> {
  const documents = parseAllDocuments(read('kubernetes/site.yaml'));
  assert.ok(Array.isArray(documents));
  for (const { errors, warnings } of documents) assert.deepEqual([...errors, ...warnings], []);
  return new Map(documents.map(each => each.toJS() as Manifest).map(each => [each.kind, each]));
}

test('the manifests of Kubernetes: probes find what they ask for, and the end has time', async () => {
  const { ConfigMap, Deployment, Service } = Object.fromEntries(manifests());
  assert.ok(ConfigMap && Deployment && Service);
  const { template } = Deployment.spec;
  const [container] = template.spec.containers;
  assert.deepEqual(Service.spec.selector, template.metadata.labels);
  const settings = JSON.parse(ConfigMap.data['iolite.config.json'] as string);
  const ports = Object.fromEntries(container.ports.map(each => [each.name, each.containerPort]));
  assert.deepEqual(ports, { http: settings.port, metrics: Number(settings.metrics.split(':')[1]) });
  assert.equal(Service.spec.ports[0]?.targetPort, 'http');
  const graceMs = template.spec.terminationGracePeriodSeconds * 1000;
  const drainMs = (['delay', 'time'] as const).map(name => ms(settings.drain[name] as StringValue));
  assert.ok(graceMs > (drainMs[0] as number) + (drainMs[1] as number));
  assert.equal(container.args.slice(0, -2).at(-1), 'serve');
  assert.equal(container.args[1], wordsOf(lastOf(parseDockerfile(read('docker/Dockerfile')), 'CMD'))[1]);
  using folder = site({ ...settings, metrics: undefined, drain: { ...settings.drain, delay: '1 minute' } });
  await using served = await Served.startWith([
    '--config',
    folder.file('iolite.config.json'),
    '--host',
    '127.0.0.1',
  ]);
  const paths = (['startup', 'readiness', 'liveness'] as const).map(name => {
    const { path, port } = container[`${name}Probe`].httpGet;
    assert.equal(port, 'http');
    return path;
  });
  const ask = (): Promise<number[]> =>
    Promise.all(paths.map(async path => (await get(served.port, path)).status));
  assert.deepEqual(await ask(), [200, 200, 200]);
  served.process.kill('SIGTERM');
  // Until all of it has heard of the signal.
  while ((await get(served.port, '/ready')).status !== 503);
  assert.deepEqual(await ask(), [503, 503, 200], 'it lives, and is not sent any more');
});
