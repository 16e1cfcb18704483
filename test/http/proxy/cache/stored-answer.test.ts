import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Harness } from '../support/harness.ts';

const MODIFIED = 'Tue, 24 Nov 2026 10:00:00 GMT';

async function started(): Promise<Harness> {
  const harness = await Harness.start((request, response) => {
    const headers = {
      'Cache-Control': 'max-age=60',
      'Content-Type': 'text/plain',
      ETag: '"one"',
      'Last-Modified': MODIFIED,
    };
    if (request.headers.range !== undefined)
      response.writeHead(206, { ...headers, 'Content-Range': 'bytes 0-0/10' }).end('0');
    else response.writeHead(200, headers).end('0123456789');
  });
  return harness;
}

test('ranges are answered from a whole that is stored; without one the origin answers', async () => {
  await using harness = await started();
  const miss = await harness.get('/', { Range: 'bytes=0-0' });
  assert.equal(miss.status, 206);
  assert.match(String(miss.headers['cache-status']), /fwd=partial$/);
  await harness.get('/');
  assert.equal(harness.asked.length, 2);
  const part = await harness.get('/', { Range: 'bytes=2-4' });
  assert.equal(part.status, 206);
  assert.equal(part.text, '234');
  assert.equal(part.headers['content-range'], 'bytes 2-4/10');
  assert.equal(part.headers['content-length'], '3');
  const several = await harness.get('/', { Range: 'bytes=0-1,-2' });
  assert.match(String(several.headers['content-type']), /^multipart\/byteranges; boundary=/);
  assert.match(several.text, /bytes 0-1\/10\r\n\r\n01\r\n[\s\S]*bytes 8-9\/10\r\n\r\n89\r\n/);
  assert.equal(several.text.length, Number(several.headers['content-length']));
  const beyond = await harness.get('/', { Range: 'bytes=20-' });
  assert.equal(beyond.status, 416);
  assert.equal(beyond.headers['content-range'], 'bytes */10');
  assert.equal((await harness.get('/', { Range: 'bytes=0-1', 'If-Range': '"two"' })).status, 200);
  assert.equal((await harness.get('/', { Range: 'bytes=0-1', 'If-Range': '"one"' })).text, '01');
  assert.equal(harness.asked.length, 2);
});

test('conditions are answered from what is stored, and from what comes', async () => {
  await using harness = await started();
  const first = await harness.get('/', { 'If-None-Match': '"one"' });
  assert.equal(first.status, 304);
  assert.equal(harness.asked[0]?.headers['if-none-match'], undefined);
  const cases: [Record<string, string>, number][] = [
    [{ 'If-None-Match': 'W/"one"' }, 304],
    [{ 'If-None-Match': '"two"' }, 200],
    [{ 'If-Modified-Since': MODIFIED }, 304],
    [{ 'If-Modified-Since': 'Mon, 23 Nov 2026 10:00:00 GMT' }, 200],
    [{ 'If-Match': '"one"' }, 200],
    [{ 'If-Match': '"two"' }, 412],
    [{ 'If-Unmodified-Since': 'Mon, 23 Nov 2026 10:00:00 GMT' }, 412],
  ];
  for (const [headers, status] of cases) {
    const got = await harness.get('/', headers);
    assert.equal(got.status, status, JSON.stringify(headers));
    if (status === 304) {
      assert.equal(got.headers.etag, '"one"');
      assert.equal(got.headers['content-length'], undefined);
    }
  }
  assert.equal(harness.asked.length, 1);
});

test('HEAD is answered from what is stored, and passed on otherwise', async () => {
  await using harness = await started();
  const miss = await harness.send({ method: 'HEAD' });
  assert.equal(miss.status, 200);
  assert.equal(harness.asked[0]?.method, 'HEAD');
  await harness.get('/');
  const hit = await harness.send({ method: 'HEAD' });
  assert.match(String(hit.headers['cache-status']), /hit/);
  assert.equal(hit.headers['content-length'], '10');
  assert.equal(hit.text, '');
  assert.equal(harness.asked.length, 2);
});
