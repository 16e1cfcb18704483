import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The built command: a tool that starts often is tested as it is installed. */
export const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: Uint8Array;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Ran {
  const { input = Buffer.alloc(0), cwd, env, uid, gid } = options;
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, {
    input,
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 30,
    timeout: 60_000,
    ...(cwd === undefined ? {} : { cwd }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  if (error !== undefined && (error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  return { code: status, signal, stdout, stderr: stderr.toString() };
}

/** Runs a tool of iolite to its end. */
export function iolite(args: readonly string[], options?: RunOptions): Ran {
  return run(process.execPath, [MAIN, ...args], options);
}

/** Runs a bash script in which `iolite` is ours. Its locale counts UTF-8 as characters and sorts by bytes. */
export function shell(script: string, options: RunOptions = {}): Ran {
  const prelude = `iolite() { '${process.execPath}' '${MAIN}' "$@"; }\n`;
  return run('bash', ['-c', prelude + script], {
    ...options,
    env: { LC_ALL: 'C.UTF-8', ...options.env },
  });
}
