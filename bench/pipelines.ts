import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atExit } from './cleanup.ts';

/** What is started in a shell for `iolite`; from dist-bench/bench/. */
const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
export const IOLITE = `'${process.execPath}' '${MAIN}'`;
/** Ten words of eight characters: 10! permutations of 80 bytes are 290 MB. */
export const WORDS = Array.from({ length: 10 }, (_, i) => `word-${i}  `).join('');

/** What IOLITE_PIPES says; 'late' is what the tools do when it says nothing. */
export type Pipes = 'eager' | 'late' | 'ordinary';

/** Runs commands of a shell, and has a folder for their files, which goes with it. */
export class Pipelines implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'iolite-bench-'));
  readonly #forget = atExit(() => rmSync(this.folder, { recursive: true, force: true }));

  /** Lines of text; one in a thousand has a zebra in it. @returns its path */
  makeText(name: string, size: number): string {
    const lines: string[] = [];
    for (let i = 0; i < 20_000; i++) {
      lines.push(
        `${i} the quick brown fox ${'jumps over '.repeat(i % 7)}the ${i % 1000 === 7 ? 'zebra' : 'lazy dog'}`,
      );
    }
    const block = Buffer.from(`${lines.join('\n')}\n`);
    const path = join(this.folder, name);
    const fd = openSync(path, 'w');
    for (let left = size; left > 0; left -= block.length)
      writeSync(fd, block, 0, Math.min(left, block.length));
    closeSync(fd);
    return path;
  }

  /** Functions of a small language, with comments and names that are defined. @returns its path */
  makeSource(name: string, size: number): string {
    const lines = ['#define SCALE 37', '#define OFFSET (12 + 5)'];
    for (let length = 0; length < size; ) {
      const i = lines.length;
      const body = `(a + SCALE * ${i}) * (b - OFFSET) / ${1 + (i % 9)} + a * b - ${i}`;
      const line = `int f${i}(int a, int b) { return ${body}; } /* number ${i} of many that are alike */`;
      lines.push(line);
      length += line.length + 1;
    }
    const path = join(this.folder, name);
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  }

  /** @throws Error when any of the commands fails */
  async run(script: string, pipes: Pipes): Promise<void> {
    const env = { ...process.env, IOLITE_PIPES: pipes === 'late' ? '' : pipes, LC_ALL: 'C' };
    const bash = spawn('bash', ['-o', 'pipefail', '-c', `${script} > '${this.folder}/out'`], {
      env,
      stdio: 'inherit',
    });
    const [code] = await once(bash, 'close');
    if (code !== 0) throw new Error(`${script} exited with ${code}`);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
    this.#forget();
  }
}

/**
 * Commands with pipes between them, in turn on the one and the other processor (taskset(1), of util-linux):
 * the scheduler would place some together and others not.
 */
export function pipeline(...commands: readonly string[]): string {
  return commands.map((command, i) => `taskset -c ${(i % cpus().length) % 2} ${command}`).join(' | ');
}
