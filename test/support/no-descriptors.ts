import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** Descriptors that this process may open besides those it has, from {@link limitDescriptors} on. */
const SPARE_DESCRIPTORS = 64;

/** Bounds the descriptors of this process (prlimit(1), of util-linux). */
export function limitDescriptors(limit: number): void {
  execFileSync('prlimit', ['--pid', `${process.pid}`, `--nofile=${limit}:`]);
}

/** Takes all descriptors that this process can have, until it is disposed of. */
export class NoDescriptors implements Disposable {
  readonly #fds: number[] = [];

  constructor() {
    const first = openSync('/dev/null', 'r');
    this.#fds.push(first);
    limitDescriptors(first + SPARE_DESCRIPTORS);
    try {
      for (;;) this.#fds.push(openSync('/dev/null', 'r'));
    } catch {
      // There are no more.
    }
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) closeSync(fd);
  }
}
