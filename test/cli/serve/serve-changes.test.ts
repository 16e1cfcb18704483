import assert from 'node:assert/strict';
import { renameSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Folder } from '../../support/folder.ts';
import { type Answer, get, isAlive, Served, SlowDownload } from '../support/server.ts';

/** A version of the file: as many times one letter. */
function version(letter: string, length: number): Buffer {
  return Buffer.alloc(length, letter);
}

test('a file that changes while it is downloaded is whole in one version, or 404', async () => {
  using folder = new Folder();
  const path = folder.file('file.bin');
  const put = (bytes: Buffer): void => {
    writeFileSync(folder.file('new'), bytes);
    renameSync(folder.file('new'), path);
  };
  const versions = [
    version('a', 700_000),
    version('b', 3_000_000),
    version('b', 1_234_567),
    version('c', 5000),
  ];
  const [a, b, truncated, c] = versions as [Buffer, Buffer, Buffer, Buffer];
  const steps: readonly [change: () => void, then: Buffer | undefined][] = [
    [() => put(b), b],
    [() => truncateSync(path, truncated.length), truncated],
    [() => unlinkSync(path), undefined],
    [() => put(c), c],
    [() => put(a), a],
    [() => unlinkSync(path), undefined],
    [() => put(b), b],
  ];
  put(a);

  /** Which version an answer is; undefined for none. Throws if it is a mixture. */
  const check = ({ status, body, headers }: Answer): Buffer | undefined => {
    if (status === 404) return undefined;
    assert.equal(status, 200);
    const found = versions.find(each => each.equals(body));
    assert.ok(found, `${body.length} bytes, ${headers['content-length']} announced, are one version`);
    return found;
  };

  await using served = await Served.start(folder.path, ['-w', '2']);
  const workers = await served.workers();
  let stopped = false;
  const load = Array.from({ length: 4 }, async () => {
    while (!stopped) check(await get(served.port, '/file.bin'));
  });
  const watched = Promise.all(load);
  watched.catch(() => {});
  try {
    for (const [change, then] of steps) {
      change();
      const seen = new Set<number>();
      while (seen.size < workers.length) {
        const answer = await get(served.port, '/file.bin');
        if (check(answer) === then) seen.add(answer.worker);
      }
    }
  } finally {
    stopped = true;
  }
  await watched;
  assert.deepEqual(workers.filter(isAlive), workers, 'no worker died');
  assert.equal(served.stderr, '');
});

test('a slow download of a file replaced, truncated or deleted has the old version whole', async () => {
  using folder = new Folder();
  const path = folder.file('large.bin');
  const old = version('a', 24 * 1024 ** 2);
  const changes = [
    (): void => {
      writeFileSync(folder.file('new'), version('b', 1000));
      renameSync(folder.file('new'), path);
    },
    (): void => truncateSync(path, 10),
    (): void => writeFileSync(path, version('c', old.length)),
    (): void => unlinkSync(path),
  ];
  await using served = await Served.start(folder.path, ['-w', '1']);
  for (const change of changes) {
    writeFileSync(path, old);
    while (!old.equals((await get(served.port, '/large.bin')).body)) await new Promise(setImmediate);
    using download = await SlowDownload.start(served.port, '/large.bin');
    change();
    // Until the change is seen the cache has the old version anyway.
    while (old.equals((await get(served.port, '/large.bin')).body)) await new Promise(setImmediate);
    assert.ok(old.equals(await download.finish()));
  }
});
