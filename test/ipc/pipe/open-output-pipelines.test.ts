import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import '../../../src/ipc/pipe/open-output.ts';
import { Folder } from '../../support/folder.ts';
import { PublicProgram } from '../../support/public-program.ts';
import { watchdog } from '../../support/watchdog.ts';
import { PATTERN, PERIOD_BYTES, type StageOptions } from './support/pipe-pattern.ts';

const MIB = 1024 ** 2;
/** Long enough that it can be waited for bytes to pass. */
const ENDLESS = 2 ** 40;

const folder = new Folder();
/** Bundled, for it is started often. */
const program = new PublicProgram(new URL('./children/pipe-stage.ts', import.meta.url));
after(() => {
  folder[Symbol.dispose]();
  program[Symbol.dispose]();
});

interface Consumed {
  readonly count: number;
  readonly shared: number;
  readonly isPattern: boolean;
  readonly sha256: string;
}

/** The command of a stage. */
function stage(role: 'produce' | 'relay' | 'consume', options: StageOptions = {}): string {
  return `'${process.execPath}' '${program.path}' ${role} '${JSON.stringify(options)}'`;
}

function run(script: string, env: NodeJS.ProcessEnv = {}): { stdout: string; stderr: string } {
  const { stdout, stderr, error } = spawnSync('bash', ['-c', script], {
    cwd: folder.path,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 256 * MIB,
  });
  assert.equal(error, undefined);
  return { stdout, stderr };
}

function consumed(script: string, env?: NodeJS.ProcessEnv): Consumed {
  const { stdout, stderr } = run(script, env);
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

/** The digest of the first bytes that are produced. */
function digestOf(bytes: number): string {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes; at += PERIOD_BYTES) {
    hash.update(PATTERN.subarray(0, Math.min(PERIOD_BYTES, bytes - at)));
  }
  return hash.digest('hex');
}

for (const bytes of [0, 1, 70_000, 3 * MIB + 1, 100_000_000]) {
  test(`${bytes} bytes between two programs, which go by reference where they can`, () => {
    const piece = bytes > 10 * MIB ? 3 * MIB : 64 * 1024;
    const { count, shared, sha256 } = consumed(`${stage('produce', { bytes, piece })} | ${stage('consume')}`);
    assert.deepEqual([count, sha256], [bytes, digestOf(bytes)]);
    // When the two meet is for the machine to say.
    if (bytes > 10 * MIB) assert.ok(shared > bytes / 2, `${shared} by reference`);
  });
}

test('slices of one byte, and buffers on the heap, are passed all the same', () => {
  for (const options of [{ short: true, piece: 20_000 }, { heap: true }, { piece: 1, bytes: 5000 }]) {
    const bytes = options.bytes ?? 300_000;
    const producer = stage('produce', { bytes, ...options });
    assert.equal(consumed(`${producer} | ${stage('consume')}`).sha256, digestOf(bytes));
    assert.match(run(`${producer} | sha256sum`).stdout, new RegExp(`^${digestOf(bytes)} `));
  }
});

test('a program that is not iolite at either end notices nothing', () => {
  const bytes = 5 * MIB;
  const producer = stage('produce', { bytes, tells: true });
  const { stdout, stderr } = run(`${producer} | cat | sha256sum`);
  assert.match(stdout, new RegExp(`^${digestOf(bytes)} `));
  assert.deepEqual(JSON.parse(stderr), { upgraded: false });
  const quiet = stage('produce', { bytes });
  const { shared, sha256 } = consumed(`${quiet} | cat | ${stage('consume')}`);
  assert.deepEqual([shared, sha256], [0, digestOf(bytes)]);
});

test('three programs: what the one in the middle is given it passes on, by reference both times', () => {
  const bytes = 40 * MIB;
  const script = `${stage('produce', { bytes })} | ${stage('relay')} | ${stage('consume')}`;
  const { shared, sha256 } = consumed(script);
  assert.equal(sha256, digestOf(bytes));
  assert.ok(shared > 0);
});

test('the tools are such programs', () => {
  const bytes = 40 * MIB;
  const tool = (name: string): string =>
    `'${process.execPath}' '${fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))}' ${name}`;
  const env = { IOLITE_PIPES: 'eager' };
  const producer = stage('produce', { bytes, tells: true });
  const counted = run(`${producer} | ${tool('wc -c')}`, env);
  assert.equal(counted.stdout.trim(), String(bytes));
  assert.deepEqual(JSON.parse(counted.stderr), { upgraded: true });
  const { shared, sha256 } = consumed(
    `${stage('produce', { bytes })} | ${tool('cat')} | ${stage('consume')}`,
    env,
  );
  assert.equal(sha256, digestOf(bytes));
  assert.ok(shared > 0);
});

test('IOLITE_PIPES=ordinary keeps the pipe as it is; few bytes do, too', () => {
  const bytes = 8 * MIB;
  const pipeline = `${stage('produce', { bytes })} | ${stage('consume')}`;
  assert.equal(consumed(pipeline, { IOLITE_PIPES: 'ordinary' }).shared, 0);
  const few = { bytes: MIB, upgradeAfter: 2 * MIB };
  assert.equal(consumed(`${stage('produce', few)} | ${stage('consume')}`).shared, 0);
});

test('a named pipe', () => {
  const bytes = 20 * MIB;
  const path = folder.file('fifo');
  const producer = stage('produce', { bytes, path });
  const { count, shared, sha256 } = consumed(
    `mkfifo fifo; ${producer} & ${stage('consume', { path })}; wait`,
  );
  assert.deepEqual([count, sha256], [bytes, digestOf(bytes)]);
  assert.ok(shared > 0);
});

test('what was written is delivered though the writer kills itself, or forgets to end its output', () => {
  const bytes = 20 * MIB + 1;
  for (const options of [{ dies: true }, { ends: false }]) {
    const producer = stage('produce', { bytes, piece: MIB, ...options });
    const { stdout } = run(`(${producer}) 2> /dev/null | ${stage('consume')}`);
    const { count, shared, sha256 } = JSON.parse(stdout) as Consumed;
    assert.deepEqual([count, sha256], [bytes, digestOf(bytes)]);
    assert.ok(shared > 0);
  }
});

test('a reader that stops: its writer fails with EPIPE, and whoever reads next gets the rest', () => {
  const producer = stage('produce', { bytes: 200 * MIB });
  const { stdout, stderr } = run(`${producer} | ${stage('consume', { most: MIB })}`);
  assert.equal((JSON.parse(stdout) as Consumed).isPattern, true);
  assert.deepEqual(JSON.parse(stderr), { code: 'EPIPE' });
  const bytes = 40 * MIB;
  const two = run(`${stage('produce', { bytes })} | (${stage('consume', { most: MIB })}; wc -c)`);
  const [first = '', rest = ''] = two.stdout.split('\n');
  const { count } = JSON.parse(first) as Consumed;
  // What it had taken and not used is gone with it, as from any pipe: at most what was on its way.
  assert.ok(count + Number(rest) <= bytes && count + Number(rest) >= bytes - 9 * MIB, `${first} ${rest}`);
});

/** Starts a pipeline whose consumer says '.' for each aggregate, and waits until some have come. */
async function endless(roles: readonly ('produce' | 'relay' | 'consume')[]) {
  const stages = roles.map(role => stage(role, { bytes: ENDLESS, says: true }));
  const bash = spawn('bash', ['-c', `${stages.join(' | ')}; echo $'\\n'\${PIPESTATUS[@]}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let out = '';
  const grown = new Promise<void>(resolve => {
    bash.stdout.setEncoding('utf8').on('data', text => {
      out += text;
      if (out.length > 100) resolve();
    });
  });
  const closed = once(bash, 'close');
  await watchdog(grown, 'bytes to pass the pipes', 40_000);
  const children = readFileSync(`/proc/${bash.pid}/task/${bash.pid}/children`, 'latin1').trim().split(' ');
  return {
    kill: (position: number) => process.kill(Number(children[position]), 'SIGKILL'),
    ended: async (): Promise<string[]> => {
      await watchdog(closed, 'the pipeline to end');
      return out.replace(/^\.+/, '').trim().split('\n');
    },
  };
}

test('any stage may be killed: those behind it end well, those before it by EPIPE', async () => {
  for (let killed = 0; killed < 3; killed++) {
    const pipeline = await endless(['produce', 'relay', 'consume']);
    pipeline.kill(killed);
    const lines = await pipeline.ended();
    const statuses = [0, 1, 2].map(i => (i === killed ? 137 : i < killed ? 9 : 0)).join(' ');
    assert.equal(lines.at(-1), statuses);
    if (killed < 2) assert.equal((JSON.parse(lines[0] as string) as Consumed).isPattern, true);
  }
});
