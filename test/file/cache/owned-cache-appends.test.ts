import assert from 'node:assert/strict';
import { renameSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import type { FileCache } from '../../../src/file/cache/file-cache.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { ChannelPair } from '../../support/channel-pair.ts';
import { Folder } from '../../support/folder.ts';
import { Program } from '../../support/program.ts';
import { watchdog } from '../../support/watchdog.ts';
import { checkLog, LINE, logLines, stampedBlocks, versionsIn } from '../support/growing-log.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const WRITER = new URL('../children/log-writer.ts', import.meta.url);

/** A process that appends to a file, or rewrites it in place; it has done so once. */
async function writerOf(path: string, kind: string, pause: number, size: number): Promise<Program> {
  const writer = new Program(WRITER, [path, kind, String(pause), String(size)]);
  await writer.line();
  return writer;
}

/** All of a version, by parts as a server reads it. */
async function readByParts(cache: FileCache, path: string): Promise<Buffer> {
  using snapshot = await cache.snapshot(path);
  const parts: Buffer[] = [];
  for (let at = 0; at < snapshot.size; at += MIB) {
    using part = await snapshot.read(at, Math.min(at + MIB, snapshot.size));
    parts.push(part.toBuffer());
  }
  const whole = Buffer.concat(parts);
  assert.equal(whole.length, snapshot.size);
  return whole;
}

for (const [name, size, pause, budget] of [
  ['1 MiB, a line every 10 ms', MIB, 10, 64 * MIB],
  ['1 MiB, lines all the time', MIB, 0, 64 * MIB],
  ['24 MiB by extents, a line every 20 ms', 24 * MIB, 20, 16 * MIB],
] as const) {
  test(`a log that is appended to is read up to the length it had (${name})`, async () => {
    using folder = new Folder();
    using cache = createFileCache({ budget, maxStale: 0 });
    const path = folder.file('log');
    writeFileSync(path, logLines(0, size / LINE));
    await using _ = await writerOf(path, 'append', pause, size);
    const lengths = new Set<number>();
    const seen = async (): Promise<void> => {
      while (lengths.size < 8) {
        const content = await readByParts(cache, path);
        checkLog(content);
        assert.ok(content.length > size && content.length >= Math.max(...lengths, 0));
        lengths.add(content.length);
      }
    };
    await watchdog(seen(), 'eight lengths of the log', 60_000);
  });
}

for (const size of [MIB, 6 * MIB]) {
  test(`a log that is appended to is read whole in attached domains, too (${size} bytes)`, async () => {
    using folder = new Folder();
    using pair = new ChannelPair();
    using owned = createFileCache({ budget: 16 * MIB, maxStale: 0 });
    owned.serve(pair.near);
    using cache = await attachFileCache(pair.far);
    const path = folder.file('log');
    writeFileSync(path, logLines(0, size / LINE));
    await using writer = await writerOf(path, 'append', 5, size);
    for (let length = size; length < size + 6 * LINE; ) {
      await writer.line();
      const content = await readByParts(cache, path);
      checkLog(content);
      assert.ok(content.length >= length);
      length = content.length;
    }
  });
}

for (const kind of ['same', 'larger', 'smaller', 'copytruncate']) {
  for (const [size, budget] of [
    [200 * KIB, 64 * MIB],
    [1200 * KIB, 4 * MIB],
  ] as const) {
    test(`no read has blocks of two versions, rewritten in place (${kind}, ${size} bytes)`, async () => {
      using folder = new Folder();
      using cache = createFileCache({ budget, maxStale: 0 });
      const path = folder.file('file');
      writeFileSync(path, stampedBlocks(0, size));
      await using _ = await writerOf(path, kind, 60, size);
      const versions = new Set<number>();
      const seen = async (): Promise<void> => {
        while (versions.size < 5) {
          try {
            const found = versionsIn(await readByParts(cache, path));
            assert.ok(found.size <= 1, `versions ${[...found]}`);
            for (const each of found) versions.add(each);
          } catch (error) {
            const { code = '' } = error as NodeJS.ErrnoException;
            assert.ok(['ERR_IOLITE_STALE', 'ERR_IOLITE_FILE'].includes(code), String(error));
          }
        }
      };
      await watchdog(seen(), 'five versions of the file', 60_000);
    });
  }
}

test('a log that is rotated by a new file is read as the one or the other', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 8 * MIB, maxStale: 0 });
  const path = folder.file('log');
  writeFileSync(path, logLines(0, (4 * MIB) / LINE));
  await using writer = await writerOf(path, 'append', 5, 4 * MIB);
  using before = await cache.snapshot(path);
  (await before.read(0, MIB)).release();
  renameSync(path, `${path}.1`);
  writeFileSync(path, logLines(0, 3));
  // The writer has the old one open still, and appends to it.
  await writer.line();
  using rest = await before.read();
  checkLog(rest.toBuffer());
  assert.equal(rest.length, before.size);
  using after = await cache.read(path);
  assert.equal(after.length, 3 * LINE);
});

test('small reads of one version fit together, however much later they are read', async () => {
  using folder = new Folder();
  using cache = createFileCache({ budget: 8 * MIB, maxStale: 0 });
  const path = folder.file('log');
  writeFileSync(path, logLines(0, (3 * MIB) / LINE));
  const time = Date.now() / 1000 - 60;
  utimesSync(path, time, time);
  using snapshot = await cache.snapshot(path);
  await using writer = await writerOf(path, 'append', 1, 3 * MIB);
  const parts: Buffer[] = [];
  for (let at = 0; at < snapshot.size; at += 128 * KIB) {
    await writer.line();
    using part = await snapshot.read(at, at + 128 * KIB);
    parts.push(part.toBuffer());
  }
  checkLog(Buffer.concat(parts));
  assert.equal(snapshot.size, 3 * MIB);
});
