import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import type { Folder } from '../../../support/folder.ts';
import { watchdog } from '../../../support/watchdog.ts';

/** Where Debian puts it: php-fpm8.2, say. */
const PROGRAM = ['/usr/sbin', '/usr/local/sbin']
  .filter(folder => existsSync(folder))
  .flatMap(folder =>
    readdirSync(folder)
      .filter(name => /^php-fpm[\d.]*$/.test(name))
      .map(name => `${folder}/${name}`),
  )[0];

const READY = 'ready to handle connections';

/** Why tests of it are left out, if they are. */
export const withoutPhp = PROGRAM === undefined ? 'there is no php-fpm' : false;

/** PHP-FPM with two processes, at a socket in a folder. */
export class PhpFpm implements AsyncDisposable {
  readonly address: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, socket: string) {
    this.#process = process;
    this.address = `unix:${socket}`;
  }

  static async start(folder: Folder): Promise<PhpFpm> {
    const socket = folder.file('php.sock');
    const log = folder.file('php.log');
    writeFileSync(log, '');
    const isRoot = process.getuid?.() === 0;
    writeFileSync(
      folder.file('php-fpm.conf'),
      [
        '[global]',
        `error_log = ${log}`,
        'daemonize = no',
        '[site]',
        ...(isRoot ? ['user = root', 'group = root'] : []),
        `listen = ${socket}`,
        'pm = static',
        'pm.max_children = 2',
        'clear_env = yes',
        '',
      ].join('\n'),
    );
    const args = ['-n', '-y', folder.file('php-fpm.conf'), '-F', ...(isRoot ? ['-R'] : [])];
    const child = spawn(PROGRAM as string, args, { stdio: 'ignore' });
    const fpm = new PhpFpm(child, socket);
    await watchdog(untilReady(log, child), 'PHP-FPM to start', 30_000);
    return fpm;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, 'exit');
    // Its processes end with it.
    this.#process.kill('SIGTERM');
    await ended;
  }
}

async function untilReady(log: string, child: ChildProcess): Promise<void> {
  const ended = new AbortController();
  child.once('exit', () => ended.abort(new Error('PHP-FPM ended')));
  const changes = watch(log, { signal: ended.signal });
  if (readFileSync(log, 'utf8').includes(READY)) return;
  for await (const _ of changes) if (readFileSync(log, 'utf8').includes(READY)) return;
}
