import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import type { ProxyOptions } from '../../../../src/http/proxy/proxy-options.ts';
import { Harness } from '../support/harness.ts';

const STALE = { 'Cache-Control': 'public, max-age=0', ETag: '"v1"' };

/** An origin whose page is public and stale at once, and that answers some validations with more fields. */
function validated(
  fieldsFor: (request: IncomingMessage) => Record<string, string>,
  options?: Omit<ProxyOptions, 'origin'>,
): Promise<Harness> {
  return Harness.start((request: IncomingMessage, response: ServerResponse) => {
    const headers = { ...STALE, ...fieldsFor(request) };
    const isSame = request.headers['if-none-match'] === '"v1"';
    response.writeHead(isSame ? 304 : 200, headers).end(isSame ? undefined : 'content');
  }, options);
}

test('a session that a response opens is nobody else’s, whatever it says of caches', async () => {
  let sessions = 0;
  await using harness = await Harness.start((request, response) => {
    const cookie = request.headers.cookie;
    if (cookie === undefined) response.setHeader('Set-Cookie', `connect.sid=${++sessions}`);
    response.setHeader('Cache-Control', 'public, max-age=60').end(`session ${cookie ?? sessions}`);
  });
  const [one, other] = [await harness.get('/'), await harness.get('/')];
  assert.deepEqual(one.headers['set-cookie'], ['connect.sid=1']);
  assert.deepEqual(other.headers['set-cookie'], ['connect.sid=2']);
  const together = await Promise.all(Array.from({ length: 5 }, () => harness.get('/at-once')));
  const given = together.map(({ headers }) => String(headers['set-cookie']));
  assert.equal(new Set(given).size, 5);
});

test('cookies of what says that it is for all are kept where that is asked for', async () => {
  await using harness = await Harness.start(
    (_, response) => {
      response
        .setHeader('Set-Cookie', 'theme=dark')
        .setHeader('Cache-Control', 'public, max-age=60')
        .end('page');
    },
    { storeCookies: true },
  );
  for (let i = 0; i < 2; i++)
    assert.deepEqual((await harness.get('/')).headers['set-cookie'], ['theme=dark']);
  assert.equal(harness.asked.length, 1);
});

for (const [name, fields] of Object.entries({
  'a cookie': { 'Set-Cookie': 'connect.sid=1' },
  private: { 'Cache-Control': 'private, max-age=60', 'X-User': 'one' },
  'no-store': { 'Cache-Control': 'no-store', 'X-User': 'one' },
  'Vary: *': { Vary: '*', 'X-User': 'one' },
  'another Vary': { Vary: 'Cookie', 'Cache-Control': 'max-age=60', 'X-User': 'one' },
  'a logout': { 'Clear-Site-Data': '"cookies"' },
})) {
  test(`a 304 with ${name} is for the one who asked`, async () => {
    const mine = ({ headers }: IncomingMessage) => headers.cookie === 'user=one' && headers['if-none-match'];
    await using harness = await validated(request => (mine(request) ? fields : {}));
    await harness.get('/');
    const one = await harness.get('/', { Cookie: 'user=one' });
    assert.equal(one.status, 200);
    assert.equal(one.text, 'content');
    assert.equal(harness.asked.length, 2);
    const personal = Object.keys(fields).filter(field => !/cache-control|vary/i.test(field));
    for (const field of personal) assert.ok(one.headers[field.toLowerCase()] !== undefined, field);
    for (const headers of [{}, { Cookie: 'user=two' }, { 'Cache-Control': 'max-stale' }]) {
      const other = await harness.get('/', headers);
      assert.equal(other.text, 'content');
      for (const field of personal) assert.equal(other.headers[field.toLowerCase()], undefined, field);
    }
  });
}

test('those who ask at the same time as one whose 304 is its own get none of it', async () => {
  let session = 0;
  await using harness = await validated(({ headers }) =>
    headers['if-none-match'] === undefined ? {} : { 'Set-Cookie': `sid=${++session}` },
  );
  await harness.get('/');
  const got = await Promise.all(Array.from({ length: 10 }, () => harness.get('/')));
  const cookies = got.flatMap(({ headers }) => headers['set-cookie'] ?? []);
  assert.equal(new Set(cookies).size, cookies.length);
  for (const { text } of got) assert.equal(text, 'content');
});

test('who may not have a response stored leaves what is stored as it is', async () => {
  await using harness = await Harness.start((request, response) => {
    const isSame = request.headers['if-none-match'] === '"v1"';
    const headers = {
      'Cache-Control': 'max-age=0',
      ETag: '"v1"',
      'X-User': request.headers.authorization ?? '',
    };
    response.writeHead(isSame ? 304 : 200, headers).end(isSame ? undefined : 'content');
  });
  await harness.get('/');
  const own = await harness.get('/', { Authorization: 'Basic eA==' });
  assert.equal(own.headers['x-user'], 'Basic eA==');
  assert.equal(own.text, 'content');
  const other = await harness.get('/', { 'Cache-Control': 'max-stale' });
  assert.equal(other.headers['x-user'], '');
  assert.match(String(other.headers['cache-status']), /hit/);
  assert.equal(harness.asked.length, 2);
});

test('what Connection takes off a response has its say before', async () => {
  let count = 0;
  await using harness = await Harness.start((_, response) => {
    count += 1;
    response
      .writeHead(200, { Connection: 'X-A, Set-Cookie', 'Set-Cookie': 'a=1', 'Cache-Control': 'max-age=60' })
      .end(`${count}`);
  });
  await harness.get('/');
  assert.equal((await harness.get('/')).text, '2');
});
