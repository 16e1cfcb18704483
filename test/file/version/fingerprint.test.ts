import assert from 'node:assert/strict';
import {
  appendFileSync,
  closeSync,
  openSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { untilCalm, versionOf } from '../../../src/file/version/file-version.ts';
import { Fingerprint } from '../../../src/file/version/fingerprint.ts';
import { Folder } from '../../support/folder.ts';

const BLOCK = 64 * 1024;
const MIB = 1024 ** 2;

/** A file, and its version of when it was opened, of which blocks are read. */
class OpenedVersion implements AsyncDisposable {
  readonly path: string;
  readonly #folder: Folder;
  readonly #handle: FileHandle;
  readonly fingerprint: Fingerprint;

  private constructor(folder: Folder, path: string, handle: FileHandle, fingerprint: Fingerprint) {
    this.#folder = folder;
    this.path = path;
    this.#handle = handle;
    this.fingerprint = fingerprint;
  }

  /** @param changedAt seconds since the epoch that the file says it was last changed */
  static async of(blocks: number, changedAt?: number): Promise<OpenedVersion> {
    const folder = new Folder();
    const path = folder.file('log');
    writeFileSync(path, Buffer.from(Array.from({ length: Math.min(blocks, 8) * BLOCK }, (_, i) => i >> 8)));
    truncateSync(path, blocks * BLOCK);
    if (changedAt !== undefined) utimesSync(path, changedAt, changedAt);
    const handle = await open(path);
    for (;;) {
      const version = versionOf(await handle.stat({ bigint: true }), path);
      const wait = untilCalm(version);
      if (wait === 0)
        return new OpenedVersion(folder, path, handle, new Fingerprint(path, version, handle, BLOCK));
      await setTimeout(wait);
    }
  }

  /** Reads a block. @returns whether it is of the version */
  async admits(index: number): Promise<boolean> {
    const bytes = Buffer.alloc(BLOCK);
    await this.#handle.read(bytes, 0, BLOCK, index * BLOCK);
    return this.fingerprint.admits(index * BLOCK, [
      { bytes: bytes.subarray(0, 100) },
      { bytes: bytes.subarray(100) },
    ]);
  }

  /** Writes in place, without another size. */
  write(text: string, position: number): void {
    const fd = openSync(this.path, 'r+');
    writeSync(fd, text, position);
    closeSync(fd);
  }

  append(): void {
    appendFileSync(this.path, 'another line\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
    this.#folder[Symbol.dispose]();
  }
}

test('blocks of a file that is appended to are of its version', async () => {
  await using file = await OpenedVersion.of(8);
  for (let i = 0; i < 4; i++) assert.equal(await file.admits(i), true);
  assert.deepEqual([file.fingerprint.isGrown, file.fingerprint.mayGrow], [false, true]);
  for (let i = 2; i < 8; i++) {
    file.append();
    assert.equal(await file.admits(i), true, `block ${i}`);
  }
  assert.equal(file.fingerprint.isGrown, true);
});

test('a file that was rewritten in place is found out by its stamps', async () => {
  await using file = await OpenedVersion.of(8);
  assert.equal(await file.admits(0), true);
  file.write('other', 5 * BLOCK);
  for (const i of [0, 5, 7]) assert.equal(await file.admits(i), false);
});

test('a rewriting is found in what was read before, though the file grew as well', async () => {
  await using file = await OpenedVersion.of(8);
  assert.equal(await file.admits(1), true);
  file.write('other', BLOCK + 77);
  file.append();
  for (const i of [0, 1, 7]) assert.equal(await file.admits(i), false);
});

test('what nobody had read is of the moment at which growth was found, and from then on stays', async () => {
  await using file = await OpenedVersion.of(8);
  assert.equal(await file.admits(1), true);
  file.write('other', 6 * BLOCK);
  file.append();
  for (const i of [0, 6, 1]) assert.equal(await file.admits(i), true);
  file.write('third', 6 * BLOCK);
  file.append();
  assert.equal(await file.admits(0), true);
  assert.equal(await file.admits(6), false);
});

test('a file that was cut and written anew, to more than it had, is another', async () => {
  await using file = await OpenedVersion.of(8);
  assert.equal(await file.admits(0), true);
  truncateSync(file.path, 0);
  writeFileSync(file.path, Buffer.alloc(9 * BLOCK, 'new'));
  assert.equal(await file.admits(3), false);
});

test('of a file not changed for long no digests are kept: it is stale once it was appended to', async () => {
  const old = Date.now() / 1000 - 24 * 3600;
  await using begun = await OpenedVersion.of(8, old);
  assert.equal(begun.fingerprint.mayGrow, false);
  assert.equal(await begun.admits(0), true);
  begun.append();
  assert.equal(await begun.admits(1), false);
  await using fresh = await OpenedVersion.of(8, old);
  fresh.append();
  assert.equal(await fresh.admits(1), true);
});

test('of a very large file blocks that were read before are looked at again', async () => {
  await using file = await OpenedVersion.of((300 * MIB) / BLOCK);
  for (const i of [0, 1]) assert.equal(await file.admits(i), true);
  for (const i of [2, 3, 4]) {
    file.append();
    assert.equal(await file.admits(i), true);
  }
  // Looked at in turn: one of the next five reads comes to it.
  file.write('other', 7);
  const found: boolean[] = [];
  for (let i = 5; i < 11; i++) found.push(await file.admits(i));
  assert.ok(found.includes(false), `${found}`);
});
