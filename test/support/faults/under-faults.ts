import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CONTROL_BYTES, Faults } from './faults.ts';

const SOURCE = fileURLToPath(new URL('./faults.c', import.meta.url));
const FILE = 'IOLITE_FAULTS_FILE';
/** Far more than the tests of a file take. */
const TIMEOUT_MS = 110_000;

/**
 * Declares tests whose system calls fail as they say: those of a file, which runs once more for them in a
 * process of its own that has the library of faults.c in it. Left out where there is no C compiler.
 * @param file `import.meta.url` of a file of tests that declares nothing else
 * @param declare is given what the tests inject faults with
 */
export function underFaults(file: string, declare: (faults: Faults) => void): void {
  const control = process.env[FILE];
  if (control !== undefined) {
    const faults = new Faults(control);
    declare(faults);
    return;
  }
  const skip = unableReason();
  test('where system calls fail', { skip, timeout: TIMEOUT_MS }, async () => {
    const { code, output } = await run(fileURLToPath(file));
    if (code !== 0) throw new Error(`${basename(fileURLToPath(file))} ended with ${code}:\n${output}`);
    if (process.env.IOLITE_FAULTS_SHOW !== undefined) process.stdout.write(output);
  });
}

function unableReason(): string | false {
  if (process.platform !== 'linux') return 'it takes Linux';
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'there is no C compiler (cc)';
  }
}

/** The library, built once for each version of its source. */
function library(): string {
  const source = readFileSync(SOURCE);
  const mark = createHash('sha256').update(source).digest('hex').slice(0, 16);
  const path = join(tmpdir(), `iolite-library-${process.getuid?.()}-${mark}.so`);
  if (existsSync(path)) return path;
  const built = `${path}.${process.pid}`;
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-o', built, SOURCE, '-ldl']);
  renameSync(built, path);
  return path;
}

async function run(file: string): Promise<{ code: number | string; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'iolite-faults-'));
  const control = join(folder, 'control');
  writeFileSync(control, Buffer.alloc(CONTROL_BYTES));
  // It is no test of that one's, but has tests of its own.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, [...process.execArgv.filter(isOfNode), '--expose-gc', file], {
    env: { ...env, LD_PRELOAD: library(), [FILE]: control, UV_USE_IO_URING: '0', IOLITE_CHECK: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    const code = await new Promise<number | string>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'nothing'));
    });
    return { code, output };
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Options of the runner are not the file's. */
function isOfNode(option: string): boolean {
  return !option.startsWith('--test');
}
