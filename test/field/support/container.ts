import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { MemoryCgroup } from '../../support/memory-cgroup.ts';
import { watchdog } from '../../support/watchdog.ts';

/** Where programs are in it, and Node.js. */
const CONTAINER_PATH = '/opt/bin:/usr/local/bin:/usr/bin:/bin';

/**
 * Becomes process 1 of a container: its files are those of this system that programs need, its own folder,
 * /proc, and a folder for what is temporary. Nothing else can be written.
 */
const ENTER = `
set -e
root=$1 node=$2 package=$3 files=$4 folder=$5; shift 5
mount -t tmpfs -o mode=755 container "$root"
cd "$root"
mkdir -p usr proc sys dev tmp etc opt/bin ".$folder/node_modules/iolite"
for link in bin lib lib32 lib64 sbin; do test ! -L "/$link" || cp -P "/$link" .; done
mount --rbind /usr usr; mount --rbind /sys sys; mount --rbind /dev dev
mount -t tmpfs -o mode=1777 temporary tmp
mount -t proc processes proc
touch opt/bin/node; mount --bind "$node" opt/bin/node
cp -R "$files/." ".$folder"; chmod -R go+rX ".$folder"
mount --bind "$package" ".$folder/node_modules/iolite"
mount -o remount,ro,mode=755 container "$root"
cd ".$folder"
exec chroot "$root" /usr/bin/env -i --chdir="$folder" "$@"
`;

export interface ContainerOptions {
  readonly cgroup: MemoryCgroup;
  /** An empty folder to have the files of the container at. */
  readonly root: string;
  /** The checkout, which is there as the package iolite. */
  readonly package: string;
  /** What is copied to the working folder. */
  readonly files: string;
  readonly folder: string;
  /** User and group, by numbers. */
  readonly user: string;
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
}

/** A program as process 1 of a container made by hand: namespaces, a memory cgroup, a user of its own. */
export class Container implements AsyncDisposable {
  readonly #options: ContainerOptions;
  readonly #outside: ChildProcess;
  readonly #ended: Promise<unknown[]>;
  output = '';

  constructor(options: ContainerOptions) {
    this.#options = options;
    const { cgroup, root, package: ours, files, folder } = options;
    const inside = ['/bin/sh', '-c', ENTER, 'sh', root, process.execPath, ours, files, folder];
    const args = [
      '--mount',
      '--pid',
      '--ipc',
      '--uts',
      '--fork',
      '--kill-child',
      ...inside,
      ...this.#asUser(),
    ];
    this.#outside = cgroup.spawn('unshare', [...args, ...options.command], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#outside.stdout, this.#outside.stderr])
      stream?.setEncoding('utf8').on('data', text => {
        this.output += text;
      });
    this.#ended = once(this.#outside, 'close');
  }

  /** Waits until it has said something. */
  async said(pattern: RegExp): Promise<void> {
    const ended = this.#ended.then(() => Promise.reject(new Error(`The container ended: ${this.output}`)));
    ended.catch(() => {});
    while (!pattern.test(this.output))
      await watchdog(
        Promise.race([once(this.#outside.stdout as NodeJS.ReadableStream, 'data'), ended]),
        `a container to say ${pattern}`,
        40_000,
      );
  }

  /** Runs a command inside, as `docker exec` does. @returns its exit code */
  async run(command: readonly string[]): Promise<number> {
    const enter = ['--target', `${this.#first}`, '--mount', '--pid', '--ipc', '--uts', '--root'];
    const child = spawn('nsenter', [...enter, '/usr/bin/env', '-i', ...this.#asUser(), ...command], {
      stdio: 'ignore',
    });
    const [code] = await watchdog(once(child, 'exit'), `${command[0]} to end in a container`);
    return code;
  }

  /** Sends a signal to process 1. */
  signal(signal: NodeJS.Signals): void {
    const first = this.#first;
    if (first > 0) process.kill(first, signal);
  }

  /** The exit code of process 1, once all of it is gone. */
  async ended(): Promise<number> {
    const [code] = await watchdog(this.#ended, 'a container to end', 40_000);
    return code as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // All others in it go with its process 1.
    this.signal('SIGKILL');
    await this.ended();
  }

  #asUser(): string[] {
    const { env, user } = this.#options;
    const [uid = '', gid = ''] = user.split(':');
    const variables = Object.entries({ PATH: CONTAINER_PATH, ...env }).map(
      ([name, value]) => `${name}=${value}`,
    );
    return [...variables, 'setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs'];
  }

  /** The number that its process 1 has here; 0 where there is none. */
  get #first(): number {
    const { pid } = this.#outside;
    const isHere = this.#outside.exitCode === null && this.#outside.signalCode === null;
    return isHere ? Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim()) : 0;
  }
}
