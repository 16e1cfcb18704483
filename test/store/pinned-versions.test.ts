import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PinnedVersions } from '../../src/store/pinned-versions.ts';
import { StoredVersion } from '../../src/store/stored-version.ts';

const MOST = 512;

test('beyond a bound the version that was not used for longest is given up, and that is said', () => {
  const pinned = new PinnedVersions();
  const ended: number[] = [];
  const pin = (serial: number): void => {
    const held = new StoredVersion(`key ${serial}`, serial, {}, undefined);
    held.onEnd = () => ended.push(serial);
    pinned.pin(held);
    pinned.pin(held);
    held.release();
  };
  for (let serial = 1; serial <= MOST; serial++) pin(serial);
  assert.equal(pinned.use(1)?.serial, 1);
  for (let serial = MOST + 1; serial <= MOST + 3; serial++) pin(serial);
  assert.deepEqual(ended, [2, 3, 4]);
  assert.equal(pinned.size, MOST);
  assert.equal(pinned.use(1)?.serial, 1);
  assert.throws(() => pinned.use(3), { code: 'ERR_IOLITE_LIMIT' });
  assert.equal(pinned.use(MOST + 4), undefined, 'it never was');
  pinned.drop(5);
  assert.equal(pinned.use(5), undefined);
  pinned.clear();
  assert.equal(ended.length, MOST + 3);
});
