import assert from 'node:assert/strict';
import {
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import { DiskVersion } from '../../../src/file/open/disk-version.ts';
import { HeldFolder } from '../../../src/file/open/held-folder.ts';
import { openFile } from '../../../src/file/open/open-file.ts';
import { writeVersion } from '../../../src/file/open/write-version.ts';
import { Folder } from '../../support/folder.ts';
import { isRoot, NOBODY } from '../../support/public-program.ts';

/** A folder that its user exchanges, while a program of ours writes there, for a link to another one. */
class Exchange implements Disposable {
  readonly #folder = new Folder();
  readonly theirs = this.#folder.file('theirs/d');
  readonly moved = this.#folder.file('theirs/moved');
  readonly ours = this.#folder.file('ours');

  constructor() {
    mkdirSync(this.theirs, { recursive: true });
    if (isRoot) chownSync(this.theirs, NOBODY.uid, NOBODY.gid);
    mkdirSync(this.ours);
    writeFileSync(`${this.ours}/file`, 'not for them');
  }

  happens(): void {
    renameSync(this.theirs, this.moved);
    symlinkSync(this.ours, this.theirs);
  }

  /** Sees that nothing was written where the link leads. */
  check(): void {
    assert.deepEqual(readdirSync(this.ours), ['file']);
    assert.equal(readFileSync(`${this.ours}/file`, 'utf8'), 'not for them');
    assert.equal(statSync(`${this.ours}/file`).uid, process.getuid?.());
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

test('a folder that is held is the same, wherever its path leads', async () => {
  using exchange = new Exchange();
  await using folder = await HeldFolder.open(exchange.theirs);
  exchange.happens();
  assert.equal(folder.realPath, exchange.theirs);
  writeFileSync(folder.file('name'), '');
  assert.deepEqual(readdirSync(exchange.moved), ['name']);
  exchange.check();
  await using another = await HeldFolder.open(exchange.theirs);
  assert.equal(another.realPath, exchange.ours);
  await assert.rejects(HeldFolder.open(`${exchange.ours}/file`), { code: 'ENOTDIR' });
  await assert.rejects(HeldFolder.open(`${exchange.ours}/none`), { code: 'ENOENT' });
});

test('a new file is made in no folder that a link leads to by then', async () => {
  using exchange = new Exchange();
  const file = await openFile(`${exchange.theirs}/new`, 'w');
  await file.write(0, 'text');
  exchange.happens();
  await assert.rejects(file.sync(), { code: 'ERR_IOLITE_CONFLICT' });
  exchange.check();
  await file.close().catch(({ code }) => assert.equal(code, 'ERR_IOLITE_CONFLICT'));
  exchange.check();
  assert.deepEqual(readdirSync(exchange.moved), []);
});

test('a version goes where the one before lies, whenever its folder is exchanged', async () => {
  // After so many looks whether the one before is still there.
  for (const looks of [1, 2]) {
    using exchange = new Exchange();
    const path = `${exchange.theirs}/file`;
    writeFileSync(path, 'before');
    const previous = await DiskVersion.open(path);
    const namesAt = previous.namesAt.bind(previous);
    let count = 0;
    previous.namesAt = async at => {
      const names = await namesAt(at);
      count += 1;
      if (count === looks) exchange.happens();
      return names;
    };
    using pool = createPool();
    using bytes = pool.from('after');
    const parts = [{ kind: 'memory', start: 0, end: bytes.length, bytes }] as const;
    const written = await writeVersion(path, { size: bytes.length, parts, epoch: 1 }, previous);
    assert.equal(count, 2);
    exchange.check();
    assert.equal(readFileSync(`${exchange.moved}/file`, 'utf8'), 'after');
    assert.deepEqual(readdirSync(exchange.moved), ['file']);
    for (const version of [written, previous]) await version.release();
  }
});
