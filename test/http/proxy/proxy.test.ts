import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { Harness, type Respond } from './support/harness.ts';

const DAY = 24 * 3600 * 1000;

/** Responds with the number of the request. */
function counted(headers: Record<string, string | string[]>): Respond {
  let count = 0;
  return (_, response) => {
    count += 1;
    response.writeHead(200, headers).end(`response ${count}`);
  };
}

function ago(milliseconds: number): string {
  return new Date(Date.now() - milliseconds).toUTCString();
}

function statusOf({ headers }: { headers: IncomingMessage['headers'] }): string {
  return String(headers['cache-status']);
}

test('a fresh response is sent again without asking, with its age', async () => {
  await using harness = await Harness.start(
    counted({ 'Cache-Control': 'max-age=60', Age: '7', ETag: '"1"' }),
  );
  const first = await harness.get('/a?b=c');
  assert.equal(first.text, 'response 1');
  assert.match(statusOf(first), /^iolite; fwd=uri-miss; stored$/);
  const second = await harness.get('/a?b=c');
  assert.equal(second.text, 'response 1');
  assert.match(statusOf(second), /^iolite; hit; ttl=5\d$/);
  assert.ok(Number(second.headers.age) >= 7);
  assert.equal(second.headers['content-length'], '10');
  assert.equal(second.headers.date, first.headers.date);
  const other = await harness.get('/a?b=d');
  assert.equal(other.text, 'response 2');
  assert.equal(harness.asked.length, 2);
});

test('what makes a response fresh, and what keeps it from being stored', async () => {
  const cases: [
    name: string,
    kept: boolean,
    response: Record<string, string | string[]>,
    request?: object,
  ][] = [
    ['s-maxage', true, { 'Cache-Control': 'max-age=0, s-maxage=60' }],
    ['expires', true, { Expires: new Date(Date.now() + DAY).toUTCString() }],
    ['expired', false, { Expires: '0' }],
    ['heuristic', true, { 'Last-Modified': ago(100 * DAY) }],
    ['nothing', false, {}],
    ['max-age 0', false, { 'Cache-Control': 'max-age=0' }],
    ['no-store', false, { 'Cache-Control': 'max-age=60, no-store' }],
    ['private', false, { 'Cache-Control': 'private, max-age=60' }],
    ['private with fields', false, { 'Cache-Control': 'private="a, b", max-age=60' }],
    ['no-cache', false, { 'Cache-Control': 'No-Cache, max-age=60' }],
    ['vary *', false, { 'Cache-Control': 'max-age=60', Vary: '*' }],
    ['old', false, { 'Cache-Control': 'max-age=60', Age: '61' }],
    ['cookie', false, { 'Cache-Control': 'max-age=60', 'Set-Cookie': ['a=1', 'b=2'] }],
    ['public cookie', false, { 'Cache-Control': 'public, max-age=60', 'Set-Cookie': 'a=1' }],
    ['public logout', false, { 'Cache-Control': 'public, max-age=60', 'Clear-Site-Data': '"cookies"' }],
    ['vary by client', false, { 'Cache-Control': 'max-age=60', Vary: 'X-Forwarded-For' }],
    ['heuristic, for a cookie', false, { 'Last-Modified': ago(100 * DAY) }, { Cookie: 'a=1' }],
    ['stated, for a cookie', true, { 'Cache-Control': 'max-age=60' }, { Cookie: 'a=1' }],
    ['authorized', false, { 'Cache-Control': 'max-age=60' }, { Authorization: 'Basic eA==' }],
    ['authorized, public', true, { 'Cache-Control': 'public, max-age=60' }, { Authorization: 'Basic eA==' }],
    ['authorized, s-maxage', true, { 'Cache-Control': 's-maxage=60' }, { Authorization: 'Basic eA==' }],
    ['request no-store', false, { 'Cache-Control': 'max-age=60' }, { 'Cache-Control': 'no-store' }],
    ['request no-cache', false, { 'Cache-Control': 'max-age=60' }, { 'Cache-Control': 'no-cache' }],
    [
      'request max-age',
      false,
      { 'Cache-Control': 'max-age=60', Age: '10' },
      { 'Cache-Control': 'max-age=5' },
    ],
    ['min-fresh', false, { 'Cache-Control': 'max-age=60' }, { 'Cache-Control': 'min-fresh=100' }],
    ['max-stale', true, { 'Cache-Control': 'max-age=5', Age: '10' }, { 'Cache-Control': 'max-stale=60' }],
    [
      'must-revalidate',
      false,
      { 'Cache-Control': 'max-age=5, must-revalidate', Age: '10' },
      { 'Cache-Control': 'max-stale' },
    ],
  ];
  for (const [name, kept, response, request] of cases) {
    await using harness = await Harness.start(counted(response));
    await harness.get('/', { ...request });
    const { text } = await harness.get('/', { ...request });
    assert.equal(text, kept ? 'response 1' : 'response 2', name);
  }
});

test('a 204 is kept as well', async () => {
  await using harness = await Harness.start((_, response) =>
    response.writeHead(204, { 'Cache-Control': 'max-age=60' }).end(),
  );
  for (const pattern of [/stored$/, /hit/]) {
    const got = await harness.get('/');
    assert.equal(got.status, 204);
    assert.equal(got.text, '');
    assert.match(statusOf(got), pattern);
  }
});

test('a status that no server may send is answered with 502', async () => {
  await using harness = await Harness.start((_, response) => response.writeHead(999).end('odd'));
  for (const headers of [{}, { 'Cache-Control': 'no-store' }]) {
    assert.equal((await harness.get('/', headers)).status, 502);
  }
});

test('only-if-cached is answered from the store, or with 504', async () => {
  await using harness = await Harness.start(counted({ 'Cache-Control': 'max-age=60' }));
  const headers = { 'Cache-Control': 'only-if-cached' };
  assert.equal((await harness.get('/', headers)).status, 504);
  await harness.get('/');
  assert.equal((await harness.get('/', headers)).text, 'response 1');
  assert.equal(harness.asked.length, 1);
});

test('a stale response is validated, and a 304 renews it with its fields', async () => {
  let count = 0;
  await using harness = await Harness.start((request, response) => {
    count += 1;
    const headers = {
      ETag: '"v1"',
      'Cache-Control': count === 1 ? 'max-age=0' : 'max-age=60',
      'X-Count': count,
    };
    if (request.headers['if-none-match'] === '"v1"')
      response.writeHead(304, { ...headers, 'Content-Length': '99' }).end();
    else
      response.writeHead(200, { ...headers, 'Content-Type': 'text/plain', 'X-Old': 'kept' }).end('content');
  });
  await harness.get('/');
  const second = await harness.get('/');
  assert.equal(second.status, 200);
  assert.equal(second.text, 'content');
  assert.equal(second.headers['x-count'], '2');
  assert.equal(second.headers['x-old'], 'kept');
  assert.equal(second.headers['content-length'], '7');
  assert.match(statusOf(second), /fwd=stale; fwd-status=304/);
  const third = await harness.get('/');
  assert.match(statusOf(third), /hit/);
  assert.equal(third.headers['x-count'], '2');
  assert.equal(count, 2);
});

test('validation by date, and a version that is new', async () => {
  const modified = ago(DAY);
  let count = 0;
  await using harness = await Harness.start((request, response) => {
    count += 1;
    if (count === 2) assert.equal(request.headers['if-modified-since'], modified);
    response
      .writeHead(200, { 'Last-Modified': count === 1 ? modified : ago(0), 'Cache-Control': 'max-age=0' })
      .end(`version ${count}`);
  });
  assert.equal((await harness.get('/')).text, 'version 1');
  const second = await harness.get('/');
  assert.equal(second.text, 'version 2');
  assert.match(statusOf(second), /fwd=stale; stored/);
});

test('a 304 about another version than is stored is not taken for it', async () => {
  const asked: (string | undefined)[] = [];
  await using harness = await Harness.start((request, response) => {
    asked.push(request.headers['if-none-match']);
    if (asked.length === 2) response.writeHead(304, { ETag: '"other"' }).end();
    else response.writeHead(200, { ETag: '"one"', 'Cache-Control': 'max-age=0' }).end(`${asked.length}`);
  });
  await harness.get('/');
  assert.equal((await harness.get('/')).text, '3');
  assert.deepEqual(asked, [undefined, '"one"', undefined]);
});

test('responses vary by the fields they name', async () => {
  let count = 0;
  await using harness = await Harness.start((request, response) => {
    count += 1;
    response
      .writeHead(200, { 'Cache-Control': 'max-age=60', Vary: 'Accept-Encoding, X-Kind' })
      .end(`${count}: ${request.headers['accept-encoding']}`);
  });
  const get = async (encoding: string) => (await harness.get('/', { 'Accept-Encoding': encoding })).text;
  assert.equal(await get('gzip'), '1: gzip');
  assert.equal(await get('br'), '2: br');
  assert.equal(await get('gzip'), '1: gzip');
  assert.equal(await get('br'), '2: br');
  const miss = await harness.get('/', { 'Accept-Encoding': 'br', 'X-Kind': 'other' });
  assert.match(statusOf(miss), /fwd=vary-miss/);
  assert.equal(await get('br,  gzip'), '4: br,  gzip');
  assert.equal(await get('br,gzip'), '4: br,  gzip');
});

test('an unsafe request that succeeds invalidates what it changes, and what its answer names', async () => {
  await using harness = await Harness.start((request, response) => {
    if (request.method === 'GET')
      response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end(`${harness.asked.length}`);
    else if (request.headers['x-fail'] !== undefined) response.writeHead(500).end();
    else
      response
        .writeHead(201, { Location: '/named', 'Content-Location': 'http://elsewhere.example/other' })
        .end();
  });
  const paths = ['/changed', '/named', '/other'];
  for (const path of paths) await harness.get(path);
  const before = harness.asked.length;
  await harness.send({ method: 'POST', path: '/changed', headers: { 'X-Fail': '1' }, body: 'x' });
  for (const path of paths) assert.match(statusOf(await harness.get(path)), /hit/);
  await harness.send({ method: 'POST', path: '/changed', body: 'x' });
  const statuses: string[] = [];
  for (const path of paths) statuses.push(statusOf(await harness.get(path)));
  assert.deepEqual(
    statuses.map(status => /hit/.test(status)),
    [false, false, true],
  );
  assert.equal(harness.asked.length, before + 4);
});

test('what was asked for before a change and comes after it is not stored', async () => {
  const waiting: ServerResponse[] = [];
  await using harness = await Harness.start((request, response) => {
    if (request.method === 'GET') waiting.push(response);
    else response.end('changed');
  });
  const arrived = until(() => waiting.length === 1);
  const first = harness.get('/');
  await arrived;
  await harness.send({ method: 'PUT', body: 'x' });
  waiting[0]?.writeHead(200, { 'Cache-Control': 'max-age=60' }).end('before');
  assert.equal((await first).text, 'before');
  const second = harness.get('/');
  await until(() => waiting.length === 2);
  waiting[1]?.writeHead(200, { 'Cache-Control': 'max-age=60' }).end('after');
  assert.equal((await second).text, 'after');
});

test('stale-while-revalidate answers at once, and asks beside that', async () => {
  let count = 0;
  await using harness = await Harness.start((_, response) => {
    count += 1;
    const control = count === 1 ? 'max-age=1, stale-while-revalidate=60' : 'max-age=60';
    response.writeHead(200, { 'Cache-Control': control, Age: count === 1 ? '10' : '0' }).end(`${count}`);
  });
  await harness.get('/');
  const stale = await harness.get('/');
  assert.equal(stale.text, '1');
  assert.match(statusOf(stale), /hit; ttl=-/);
  await until(async () => (await harness.get('/')).text === '2');
  assert.equal(count, 2);
});

test('stale-if-error stands in for a failing origin, and for one that is gone', async () => {
  let status = 200;
  await using harness = await Harness.start((_, response) => {
    response
      .writeHead(status, { 'Cache-Control': 'max-age=1, stale-if-error=60', Age: '10', ETag: '"1"' })
      .end(`${status}`);
  });
  await harness.get('/');
  status = 503;
  const standIn = await harness.get('/');
  assert.equal(standIn.text, '200');
  assert.match(statusOf(standIn), /hit; fwd=stale; fwd-status=503/);
  status = 404;
  assert.equal((await harness.get('/')).status, 404);
  status = 200;
  await harness.get('/');
  await harness.stopOrigin();
  assert.equal((await harness.get('/')).text, '200');
  assert.equal((await harness.get('/else')).status, 502);
});

test('a hundred requests at the same time ask once', async () => {
  let respond: (() => void) | undefined;
  await using harness = await Harness.start((_, response) => {
    respond = () => response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end('x'.repeat(300_000));
  });
  const all = Array.from({ length: 100 }, () => harness.get('/'));
  await until(() => respond !== undefined);
  // Wherever the others are by now, they find the one that is waiting.
  respond?.();
  const got = await Promise.all(all);
  assert.equal(harness.asked.length, 1);
  for (const each of got) assert.equal(each.text.length, 300_000);
  assert.ok(got.some(each => /collapsed/.test(statusOf(each))));
});

test('requests at the same time for what cannot be shared get a response each', async () => {
  await using harness = await Harness.start((request, response) => {
    response.writeHead(200, { 'Cache-Control': 'private' }).end(request.headers['x-user']);
  });
  const users = Array.from({ length: 30 }, (_, index) => `${index}`);
  const got = await Promise.all(users.map(user => harness.get('/', { 'X-User': user })));
  assert.deepEqual(
    got.map(({ text }) => text),
    users,
  );
});

test('requests at the same time for what has to be validated each time ask about it together', async () => {
  let whole = 0;
  await using harness = await Harness.start((request, response) => {
    const headers = { 'Cache-Control': 'no-cache', ETag: '"1"' };
    if (request.headers['if-none-match'] !== undefined) response.writeHead(304, headers).end();
    else {
      whole += 1;
      response.writeHead(200, headers).end('content');
    }
  });
  const got = await Promise.all(Array.from({ length: 20 }, () => harness.get('/')));
  for (const { text } of got) assert.equal(text, 'content');
  assert.equal(whole, 1);
});

test('requests at the same time for variants ask once for each', async () => {
  const asked = new Map<string, number>();
  await using harness = await Harness.start((request, response) => {
    const language = request.headers['accept-language'] as string;
    asked.set(language, (asked.get(language) ?? 0) + 1);
    setImmediate(() =>
      response.writeHead(200, { 'Cache-Control': 'max-age=60', Vary: 'Accept-Language' }).end(language),
    );
  });
  const languages = Array.from({ length: 30 }, (_, index) => ['de', 'en', 'fr'][index % 3] as string);
  const got = await Promise.all(languages.map(each => harness.get('/', { 'Accept-Language': each })));
  assert.deepEqual(
    got.map(({ text }) => text),
    languages,
  );
  assert.deepEqual([...asked.values()], [1, 1, 1]);
});

test('a client that leaves does not take what others wait for with it', async () => {
  let respond: (() => void) | undefined;
  await using harness = await Harness.start((_, response) => {
    respond = () => response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end('content');
  });
  const leaver = request(`${harness.url}/`, { agent: false });
  leaver.on('error', () => {});
  leaver.end();
  await until(() => respond !== undefined);
  const other = harness.get('/');
  leaver.destroy();
  respond?.();
  assert.equal((await other).text, 'content');
  assert.equal(harness.asked.length, 1);
});

test('the origin is left alone when nobody waits any more', async () => {
  const closed: Promise<unknown>[] = [];
  await using harness = await Harness.start((_, response) => closed.push(once(response, 'close')));
  const leaver = request(`${harness.url}/`, { agent: false });
  leaver.on('error', () => {});
  leaver.end();
  await until(() => closed.length === 1);
  leaver.destroy();
  await closed[0];
});

/** Waits, turn by turn of the event loop, until something holds. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('What was waited for did not happen');
    await new Promise(resolve => setImmediate(resolve));
  }
}

test('Cache-Status says why a response that may be stored is not', async () => {
  const MiB = 1024 ** 2;
  await using harness = await Harness.start(
    ({ url = '' }, response) => {
      const size = Number(new URL(url, 'http://x').searchParams.get('size'));
      response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Length': size });
      response.end(Buffer.alloc(size));
    },
    { budget: 8 * MiB },
  );
  const status = async (path: string): Promise<string> => statusOf(await harness.get(path));
  assert.equal(await status(`/?size=${65 * MiB}`), 'iolite; fwd=uri-miss; stored=?0; detail=too-large');
  assert.equal(await status(`/?size=${2 * MiB}`), 'iolite; fwd=uri-miss; stored=?0; detail=budget');
  const seen = new Set<string>();
  for (let i = 0; i < 48; i++) seen.add(await status(`/${i}?size=250000`));
  assert.deepEqual(
    [...seen],
    ['iolite; fwd=uri-miss; stored', 'iolite; fwd=uri-miss; stored=?0; detail=not-admitted'],
  );
  // What is asked for more often than what would go for it comes in, and what was promised is there.
  assert.match(await status('/47?size=250000'), /fwd=uri-miss; stored$/);
  assert.match(await status('/47?size=250000'), /hit/);
});

test('a field by which a response varies may have any name', async () => {
  await using harness = await Harness.start((_, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60', Vary: 'constructor, __proto__' }).end('content');
  });
  for (let round = 0; round < 2; round++) assert.equal((await harness.get('/')).text, 'content');
  assert.equal((await harness.get('/', { Constructor: 'x' })).text, 'content');
  assert.equal(harness.asked.length, 2);
});

test('a response in a transfer coding that nobody asked for is none', async () => {
  await using harness = await Harness.start(({ socket }) => {
    socket.end('HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: gzip\r\n\r\ncontent');
  });
  assert.equal((await harness.get('/')).status, 502);
});

test('a 204 states no length, whatever its origin says', async () => {
  await using harness = await Harness.start(({ socket }) => {
    socket.end('HTTP/1.1 204 No Content\r\nCache-Control: max-age=60\r\nContent-Length: 7\r\n\r\n');
  });
  const { status, headers } = await harness.get('/');
  assert.deepEqual([status, headers['content-length']], [204, undefined]);
});
