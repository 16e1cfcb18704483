import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { sharedFileCache } from '../../src/cache/shared-file-cache.ts';
import { Folder } from '../support/folder.ts';

const name = () => `test-${randomBytes(8).toString('hex')}`;

describe('sharedFileCache', () => {
  test('is owned by the first, and by the next one when that ends', async () => {
    using folder = new Folder();
    const path = folder.file('page');
    writeFileSync(path, 'first');
    const shared = name();
    using first = sharedFileCache(shared, { budget: 2 ** 22, maxStale: 0 });
    await first.ready();
    using second = sharedFileCache(shared, { budget: 2 ** 22, maxStale: 0 });
    await second.ready();
    assert.deepEqual([first.role, second.role], ['owner', 'attached']);
    const read = async (cache: typeof first): Promise<string> => {
      using content = await cache.read(path);
      return content.toString();
    };
    assert.deepEqual([await read(first), await read(second)], ['first', 'first']);
    assert.equal(first.stats().entries, 1);
    first.close();
    writeFileSync(path, 'changed');
    second.invalidate(path);
    assert.equal(await read(second), 'changed');
    assert.equal(second.role, 'owner');
    await assert.rejects(first.read(path), { code: 'ERR_IOLITE_CLOSED' });
  });

  test('gives others nothing outside of its root', async () => {
    using folder = new Folder();
    using other = new Folder();
    writeFileSync(folder.file('inside'), 'inside');
    writeFileSync(other.file('outside'), 'outside');
    const shared = name();
    using owner = sharedFileCache(shared, { budget: 2 ** 22, root: folder.path });
    await owner.ready();
    using guest = sharedFileCache(shared);
    using content = await guest.read(folder.file('inside'));
    assert.equal(content.toString(), 'inside');
    await assert.rejects(guest.read(other.file('outside')), { code: 'EACCES' });
  });

  test('refuses what cannot be', () => {
    for (const [given, code] of [
      [{ budget: -1 }, 'ERR_IOLITE_RANGE'],
      [1, 'ERR_IOLITE_ARGUMENT'],
    ] as const)
      assert.throws(() => sharedFileCache(name(), given as never), { code });
    assert.throws(() => sharedFileCache('', {}), { code: 'ERR_IOLITE_RANGE' });
  });
});
