import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { Folder } from '../../../support/folder.ts';

/** A named pipe, and descriptors of its ends in this process. */
export class NamedPipe implements Disposable {
  readonly #folder = new Folder();
  readonly path = this.#folder.file('pipe');
  readonly #fds: number[] = [];

  constructor() {
    assert.equal(spawnSync('mkfifo', [this.path]).status, 0);
  }

  open(flags: number): number {
    const fd = openSync(this.path, flags | constants.O_NONBLOCK);
    this.#fds.push(fd);
    return fd;
  }

  close(fd: number): void {
    this.#fds.splice(this.#fds.indexOf(fd), 1);
    closeSync(fd);
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) closeSync(fd);
    this.#folder[Symbol.dispose]();
  }
}
