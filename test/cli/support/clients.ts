import { execFile, spawnSync } from 'node:child_process';
import { watchdog } from '../../support/watchdog.ts';

/** Why tests with a program are left out: it is not installed. For the option `skip`. */
export function lacks(program: string): string | false {
  const { error } = spawnSync(program, ['--version'], { stdio: 'ignore' });
  return error === undefined ? false : `there is no ${program}`;
}

/** What came of a program. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Settings of the user do not count. */
export function run(program: string, args: readonly string[], folder: string): Promise<Outcome> {
  const env = { ...process.env, HOME: folder, no_proxy: '*' };
  const outcome = new Promise<Outcome>(resolve => {
    execFile(program, args, { cwd: folder, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? 1);
      resolve({ code, stdout, stderr });
    });
  });
  return watchdog(outcome, `${program} ${args.join(' ')}`, 60_000);
}
