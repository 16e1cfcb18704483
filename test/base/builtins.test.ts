import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { builtins } from '../../src/base/builtins.ts';

test('builtins are the modules of Node.js themselves', () => {
  assert.equal(builtins.crypto.createHash, crypto.createHash);
  assert.equal(builtins.zlib.crc32, zlib.crc32);
  assert.equal(builtins.crypto, builtins.crypto);
});
