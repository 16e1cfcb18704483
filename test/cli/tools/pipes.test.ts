import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import { MAIN, type Ran, shell } from '../support/tools.ts';

const READER = fileURLToPath(new URL('../children/sharing-reader.ts', import.meta.url));
const EAGER = { IOLITE_PIPES: 'eager' };
const MiB = 1024 ** 2;

const folder = new Folder();
after(() => folder[Symbol.dispose]());
const first = randomBytes(3 * MiB + 17);
const second = Buffer.from('a line of text\n'.repeat(200_000));
writeFileSync(folder.file('first'), first);
writeFileSync(folder.file('second'), second);

interface Read {
  readonly bytes: number;
  readonly shared: number;
  readonly relapsed: number;
  readonly sha256: string;
}

function run(script: string, env: NodeJS.ProcessEnv = EAGER): Ran {
  const prelude = `reader() { '${process.execPath}' '${READER}'; }\n`;
  return shell(prelude + script, { cwd: folder.path, env });
}

/** What our reader at the end of a pipeline has got. */
function readBy(script: string, env?: NodeJS.ProcessEnv): Read {
  const { stdout, stderr } = run(script, env);
  assert.equal(stderr, '');
  return JSON.parse(stdout.toString());
}

function sha256(...parts: Buffer[]): string {
  return createHash('sha256').update(Buffer.concat(parts)).digest('hex');
}

test('cat to a reader that is iolite: aggregates, the same bytes', () => {
  const { shared, relapsed, sha256: digest } = readBy('iolite cat first second first | reader');
  assert.equal(digest, sha256(first, second, first));
  // When the two meet is for the machine to say: from then on all comes as aggregates.
  assert.ok(shared > 0);
  assert.equal(relapsed, 0);
});

test('grep passes its lines on as aggregates, as slices of what it was given', () => {
  const { shared, sha256: digest } = readBy('iolite cat second second second | iolite grep text | reader');
  assert.equal(digest, sha256(second, second, second));
  assert.ok(shared > 0);
});

test('IOLITE_PIPES=ordinary, and short streams, stay ordinary; long ones do not', () => {
  const ordinary = readBy('iolite cat first second | reader', { IOLITE_PIPES: 'ordinary' });
  assert.deepEqual(ordinary, {
    bytes: first.length + second.length,
    shared: 0,
    relapsed: 0,
    sha256: sha256(first, second),
  });
  assert.equal(readBy('iolite cat first second | reader', { IOLITE_PIPES: '' }).shared, 0);
  assert.equal(readBy('iolite cat first second | IOLITE_PIPES=ordinary reader').shared, 0);
  assert.equal(readBy('IOLITE_PIPES=ordinary iolite cat first second | reader').shared, 0);
  const files = Array(40).fill('first').join(' ');
  const long = readBy(`iolite cat ${files} | reader`, { IOLITE_PIPES: '' });
  assert.equal(long.sha256, sha256(...Array(40).fill(first)));
  assert.ok(long.shared > 0 && long.shared < long.bytes - 32 * MiB, `${long.shared} of ${long.bytes}`);
});

test('long pipelines, with other programs between ours', () => {
  const { stdout } = run(
    'iolite cat second first | iolite cat | iolite cat - second | cat | iolite cat | tee copy | ' +
      'iolite cat | sha256sum; sha256sum < copy',
  );
  const digest = sha256(second, first, second);
  assert.equal(stdout.toString(), `${digest}  -\n${digest}  -\n`);
});

test('several writers of one pipe, one after the other', () => {
  const script = '(iolite cat first; cat second; iolite cat second; iolite cat first; printf end) | ';
  const expected = sha256(first, second, second, first, Buffer.from('end'));
  const read = readBy(`${script} reader`);
  assert.equal(read.sha256, expected);
  assert.ok(read.shared > 0);
  assert.equal(run(`${script} cat | sha256sum`).stdout.toString(), `${expected}  -\n`);
});

test('several writers of one pipe at a time', () => {
  const script = '(iolite cat first first & iolite cat second & cat first & wait) | iolite wc -c';
  assert.equal(run(script).stdout.toString(), `${3 * first.length + second.length}\n`);
});

test('a writer that feeds on another writer of the same pipe', () => {
  // The reader has to take the bytes of tee, or there are none for cat.
  const script = 'tee >(iolite cat) < second | iolite wc -c';
  assert.equal(run(script).stdout.toString(), `${2 * second.length}\n`);
});

test('a reader that comes late, after others took some', () => {
  const script =
    'iolite cat first first first | (dd bs=1 count=1000 of=begin status=none; iolite cat > rest); ' +
    'cat begin rest | sha256sum';
  assert.equal(run(script).stdout.toString(), `${sha256(first, first, first)}  -\n`);
});

test('a reader that stops early ends the writer by SIGPIPE', () => {
  const { stdout, stderr } = run(
    [
      'words="$(seq -s "" 10000001 10000020)"',
      `iolite permute "$words" -w 8 -l | iolite grep -q 1; echo \${PIPESTATUS[@]}`,
      `iolite permute "$words" -w 8 -l | iolite grep -m3 1 | iolite wc -l; echo \${PIPESTATUS[@]}`,
      `iolite permute "$words" -w 8 -l | iolite cat | head -1 | wc -l; echo \${PIPESTATUS[@]}`,
    ].join('\n'),
  );
  assert.equal(stdout.toString(), '141 0\n3\n141 0 0\n1\n141 141 0 0\n');
  assert.equal(stderr, '');
});

test('a second reader gets what the first has left', () => {
  const { stdout } = run(
    `iolite cat second second second | (iolite grep -c -m1 line; iolite wc -c); echo \${PIPESTATUS[@]}`,
  );
  const [found, rest, status] = stdout.toString().split('\n');
  assert.equal(found, '1');
  assert.ok(Number(rest) <= 3 * second.length);
  assert.equal(status, '0 0');
});

test('a reader that reads its input twice', () => {
  const { stdout } = run('iolite cat second second | iolite grep -c -m1 line - -');
  assert.equal(stdout.toString(), '(standard input):1\n(standard input):1\n');
});

test('two readers of one pipe get each byte once', () => {
  const script =
    'iolite cat first first first | { { iolite wc -c <&3 & } 3<&0; iolite wc -c; wait; } | ' +
    '{ read a; read b; echo $((a + b)); }';
  assert.equal(run(script).stdout.toString(), `${3 * first.length}\n`);
});

/** A pipeline of two processes of ours that goes on until one is killed. */
async function endless(reader: readonly string[]) {
  const words = Array.from({ length: 20 }, (_, i) => 10_000_001 + i).join('');
  const iolite = `'${process.execPath}' '${MAIN}'`;
  const script = `exec 3>&1; ${iolite} permute ${words} -w 8 | ${iolite} ${reader.join(' ')}`;
  // Both are children of the shell, which we find them by.
  const bash = spawn('bash', ['-c', `${script}; echo \${PIPESTATUS[@]} >&3`], {
    env: { ...process.env, ...EAGER },
    cwd: folder.path,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  bash.stdout.setEncoding('utf8').on('data', text => {
    out += text;
  });
  const closed = once(bash, 'close');
  const children = (): number[] =>
    readFileSync(`/proc/${bash.pid}/task/${bash.pid}/children`, 'latin1').trim().split(' ').map(Number);
  const grown = async (): Promise<void> => {
    // Both have started when the reader's output grows.
    const size = (): number => {
      try {
        return readFileSync(folder.file('out')).length;
      } catch {
        return 0;
      }
    };
    while (size() < 16 * MiB) await new Promise(setImmediate);
  };
  await watchdog(grown(), 'bytes to pass the pipe', 40_000);
  return {
    kill: (position: number) => process.kill(children()[position] as number, 'SIGKILL'),
    ended: async () => {
      await watchdog(closed, 'the pipeline to end');
      return out;
    },
  };
}

test('a writer that is killed: its reader ends well, with the first of its bytes', async () => {
  const pipeline = await endless(['cat', '>', 'out']);
  pipeline.kill(0);
  assert.equal(await pipeline.ended(), '137 0\n');
  const words = Array.from({ length: 20 }, (_, i) => 10_000_001 + i).join('');
  const { stdout } = run(
    `iolite permute ${words} -w 8 2>/dev/null | cmp -n $(stat -c %s out) - out && echo same`,
  );
  assert.equal(stdout.toString(), 'same\n');
});

test('a reader that is killed: its writer ends by SIGPIPE', async () => {
  const pipeline = await endless(['cat', '>', 'out']);
  pipeline.kill(1);
  assert.equal(await pipeline.ended(), '141 137\n');
});
