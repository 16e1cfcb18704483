import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createServer } from '../../../src/http/server/server.ts';
import { Folder } from '../../support/folder.ts';
import { writeFiles } from '../support/site-server.ts';

test('where libc cannot be called a server answers by node:http', async () => {
  assert.equal(typeof createServer, 'function');
  using folder = new Folder();
  writeFiles(folder, { 'large.bin': Buffer.alloc(500_000, 'x') });
  const program = fileURLToPath(new URL('../children/without-koffi.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, folder.path]);
  // A fast lane that reads no connection leaves all requests to the server that it was put before.
  assert.deepEqual(JSON.parse(stdout), [false, [200, 500_000], [200, 500_000], [206, 10], [418, 0]]);
});
