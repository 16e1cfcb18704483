import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { fetchHandler } from '../../../src/http/site/fetch-handler.ts';
import { Folder } from '../../support/folder.ts';
import { writeFiles } from '../support/site-server.ts';
import { byExtents, wrapCache } from '../support/wrapped-cache.ts';

const LARGE = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => index % 251));

for (const kept of ['whole', 'by extents'] as const) {
  test(`fetchHandler() answers Requests with Responses, from files kept ${kept}`, async () => {
    using folder = new Folder();
    writeFiles(folder, { 'index.html': 'home', 'large.bin': LARGE, 'sub/index.html': 'sub', empty: '' });
    const pool = createPool();
    const owned = createFileCache({ budget: 1 << 24, pool });
    const handler = fetchHandler(folder.path, {
      cache: kept === 'whole' ? owned : wrapCache(owned, byExtents),
    });
    const ask = (path: string, init?: RequestInit): Promise<Response> =>
      handler(new Request(`http://localhost${path}`, init));

    for (let round = 0; round < 2; round++) {
      const home = await ask('/?x');
      assert.deepEqual([home.status, await home.text()], [200, 'home']);
      assert.equal(home.headers.get('content-type'), 'text/html; charset=utf-8');
      const large = await ask('/large.bin');
      assert(Buffer.from(await large.arrayBuffer()).equals(LARGE));
      assert.equal(await (await ask('/empty')).text(), '');
      const part = await ask('/large.bin', { headers: { Range: 'bytes=100-199' } });
      assert.equal(part.status, 206);
      assert(Buffer.from(await part.arrayBuffer()).equals(LARGE.subarray(100, 200)));
      const head = await ask('/large.bin', { method: 'HEAD' });
      assert.deepEqual([head.headers.get('content-length'), head.body], ['3000000', null]);
      const same = await ask('/', { headers: { 'If-None-Match': home.headers.get('etag') ?? '' } });
      assert.deepEqual([same.status, same.body], [304, null]);
      assert.equal((await ask('/none')).status, 404);
      assert.equal((await ask('/', { method: 'POST' })).status, 405);
      const moved = await ask('/sub?q');
      assert.deepEqual([moved.status, moved.headers.get('location')], [301, './sub/?q']);
      // A reader that has seen enough.
      const reader = (await ask('/large.bin')).body?.getReader();
      assert((await reader?.read())?.value instanceof Uint8Array);
      await reader?.cancel();
    }
    owned.close();
    pool.close();
    assert.equal(pool.stats().chunks, 0);
  });
}

test('fetchHandler() ends with its request', async () => {
  using folder = new Folder();
  writeFiles(folder, { 'a.txt': 'a' });
  const handler = fetchHandler(folder.path);
  const request = new Request('http://localhost/a.txt', { signal: AbortSignal.abort(new Error('gone')) });
  await assert.rejects(handler(request), { message: 'gone' });
});
