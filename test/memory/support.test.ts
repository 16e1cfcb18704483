import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { arch } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createPool } from '../../src/aggregate/pool.ts';
import { listen } from '../../src/ipc/meet/listen.ts';
import { sharedMemoryIsSupported, sharedMemoryProblem } from '../../src/memory/support.ts';
import { Folder } from '../support/folder.ts';
import { watchdog } from '../support/watchdog.ts';

const pathOf = (name: string): string => fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url));
const EPERM = 1;
const ENOSYS = 38;
const F_ADD_SEALS = 1033;
const F_OFD_SETLK = 37;
/** Of the kernel: they differ from processor to processor. */
const CALLS = arch() === 'x64' ? { memfd: 319, fcntl: 72 } : { memfd: 279, fcntl: 25 };
/** Runs what follows where /proc is empty. */
const WITHOUT_PROC = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /proc && exec "$@"', 'sh'];
const mayMount = spawnSync(WITHOUT_PROC[0] as string, [...WITHOUT_PROC.slice(1), 'true']).status === 0;

test('shared memory is supported here, and is tried once', () => {
  assert.equal(sharedMemoryProblem(), undefined);
  assert.equal(sharedMemoryIsSupported(), true);
});

/** What a program found out that ran where something is withheld, with an endpoint that answers. */
async function whatWorks(
  program: string,
  args: readonly string[],
  { flags = [], under = [] }: { readonly flags?: readonly string[]; readonly under?: readonly string[] },
): Promise<{ refused: Refusal; sent: Refusal; received: Refusal | undefined }> {
  using folder = new Folder();
  using pool = createPool();
  await using endpoint = await listen(folder.file('endpoint'));
  using body = pool.from('shared');
  endpoint.on('channel', channel =>
    channel.onRequest(({ head }) => (head === undefined ? { body } : { head: 'answer' })),
  );
  const node = [process.execPath, ...flags, pathOf(program)];
  const [file = '', ...rest] = [...under, ...node, ...args, folder.file('file'), endpoint.path];
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', more => {
    stdout += more;
  });
  child.stderr.setEncoding('utf8').on('data', more => {
    stderr += more;
  });
  const [code] = await watchdog(once(child, 'close'), 'the program to end');
  assert.equal(code, 0, stderr);
  const { refused, sent, received, ...works } = JSON.parse(stdout);
  assert.deepEqual(works, {
    ...{ memory: 'heap', recycle: 'recycle', protect: 'protect', seal: 'seal' },
    ...{
      read: 'a file',
      inside: 'inside',
      leaving: 'EACCES',
      part: 'file',
      written: 'w',
      made: 'wx',
      answered: 'answer',
    },
  });
  return { refused, sent, received };
}

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly cause?: string;
}

/** Whatever needs shared memory says that there is none, and why. */
function saysWhy(
  { refused, sent }: { readonly refused: Refusal; readonly sent: Refusal },
  why: RegExp,
): void {
  for (const { code, message } of [refused, sent]) {
    assert.equal(code, 'ERR_IOLITE_UNSUPPORTED');
    assert.match(message, /Cannot use shared memory here: /);
    assert.match(message, why);
  }
}

for (const [what, call, argument, errno, code, receives] of [
  ['memfd_create() is refused', CALLS.memfd, -1, EPERM, 'EPERM', true],
  ['memfd_create() is unknown', CALLS.memfd, -1, ENOSYS, 'ENOSYS', true],
  ['sealing is refused', CALLS.fcntl, F_ADD_SEALS, EPERM, 'EPERM', true],
  ['locks are refused', CALLS.fcntl, F_OFD_SETLK, EPERM, 'EPERM', false],
] as const) {
  test(`where ${what}, pools lie on the heap, and one process has all it needs`, async () => {
    const told = await whatWorks('sandboxed', [call, argument, errno].map(String), {});
    saysWhy(told, new RegExp(code));
    assert.equal(told.refused.cause, code);
    assert.equal(told.received?.code, receives ? undefined : 'ERR_IOLITE_UNSUPPORTED');
  });
}

test('where a runtime refuses memory from elsewhere, pools lie on the heap, and all say why', async () => {
  const told = await whatWorks('withheld', [], { flags: ['--import', pathOf('no-views')] });
  saysWhy(told, /External buffers are not allowed$/);
  assert.deepEqual(told.received, { code: told.refused.code, message: told.refused.message });
});

test('where there is no /proc, pools lie on the heap, and all say why', {
  skip: mayMount ? false : 'nothing can be mounted here (unshare(2) needs CAP_SYS_ADMIN)',
}, async () => {
  const told = await whatWorks('withheld', [], { under: WITHOUT_PROC });
  saysWhy(told, /ENOENT$/);
  assert.equal(told.received?.message, told.refused.message);
});
