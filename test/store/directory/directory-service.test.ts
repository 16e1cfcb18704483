import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import { IoliteError } from '../../../src/base/error.ts';
import { Directory } from '../../../src/store/directory/directory.ts';
import { type DirectoryOwner, DirectoryService } from '../../../src/store/directory/directory-service.ts';
import { StoredVersion } from '../../../src/store/stored-version.ts';
import { ChannelPair } from '../../support/channel-pair.ts';

test('a service answers what is for its store, as long as that is open', () => {
  using pair = new ChannelPair();
  using pool = createPool();
  const directory = new Directory(1000, () => {});
  const used: number[][] = [];
  const facts = { kind: 1, facts: [1, 2, 3], note: 'n' };
  const content = pool.from('content');
  directory.put({ key: 'k', serial: 7, content, ...facts });
  const held = new StoredVersion('k', 7, {}, content);
  const owner: DirectoryOwner = {
    directory,
    maxStale: 1000,
    find: key => {
      if (key === 'k') return held.retain();
      throw new IoliteError('ENOENT', 'Cannot find it');
    },
    factsOf: () => facts,
    used: (...all) => used.push(all),
  };
  const service = new DirectoryService('test', owner, pair.near);
  const opened = service.handle({ head: { type: 'test.open' } });
  assert.deepEqual(opened?.head, { maxStale: 1000 });
  opened?.body?.release();
  const read = service.handle({ head: { type: 'test.read', key: 'k' } });
  assert.deepEqual(read?.head, { ...facts, serial: 7, chunks: directory.chunksOf(held) });
  assert.equal(read?.body?.toString(), 'content');
  read?.body?.release();
  assert.equal(held.references, 1, 'what was found for the answer is not kept for it');
  assert.throws(() => service.handle({ head: { type: 'test.read', key: 'other' } }), { code: 'ENOENT' });
  assert.deepEqual(service.handle({ head: { type: 'test.used', used: [[7, 2]] } }), {});
  assert.deepEqual(used, [[7, 2]]);
  for (const type of ['other.read', 'test.replaced', 'read', 7])
    assert.equal(service.handle({ head: { type, key: 'k' } }), undefined);
  assert.equal(service.handle({}), undefined);
  service.close();
  assert.throws(() => service.handle({ head: { type: 'test.open' } }), { code: 'ERR_IOLITE_CLOSED' });
  held.release();
  directory.close();
});
