import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seenFromFront } from '../../../../src/http/proxy/origin/own-address.ts';
import { makeResource } from '../../../../src/http/proxy/resource.ts';
import { Harness } from '../support/harness.ts';

const front = makeResource('https', 'www.example.com', '/a');
const ORIGINS = ['http://127.0.0.1:3000', 'http://app'];

function seen(name: string, value: string): string {
  return seenFromFront(name, value, ORIGINS, front);
}

test('where the origin names itself, the client sees the address that it knows', () => {
  for (const name of ['location', 'content-location']) {
    assert.equal(seen(name, 'http://127.0.0.1:3000/login?a=b#c'), 'https://www.example.com/login?a=b#c');
    assert.equal(seen(name, 'HTTP://APP:80'), 'https://www.example.com');
    assert.equal(seen(name, '//app/x'), 'https://www.example.com/x');
  }
  assert.equal(seen('refresh', '5; url=http://app/x'), '5; url=https://www.example.com/x');
  assert.equal(seen('set-cookie', 'a=b; Domain=app; Path=/'), 'a=b; Domain=www.example.com; Path=/');
  assert.equal(seen('set-cookie', 'a=b; domain=.APP'), 'a=b; domain=www.example.com');
});

test('all else stays as it is', () => {
  for (const value of [
    '/login',
    'http://127.0.0.1:3001/',
    'https://app/',
    'http://app.example.com/',
    'http://app@evil.example/',
    'http://evil.example/?http://app/',
    'http://[',
    '//',
    '',
  ])
    assert.equal(seen('location', value), value);
  assert.equal(seen('refresh', '5'), '5');
  assert.equal(seen('set-cookie', 'a=http://app; Domain=example.com'), 'a=http://app; Domain=example.com');
  assert.equal(seen('link', 'http://app/'), 'http://app/');
});

test('a redirect of an origin to itself leads to the proxy, stored or not', async () => {
  await using harness = await Harness.start((request, response) => {
    const own = `http://${request.headers.host}`;
    response
      .writeHead(302, { Location: `${own}/login`, 'Cache-Control': 'max-age=60', 'Set-Cookie': [] })
      .end();
  });
  for (let i = 0; i < 2; i++) assert.equal((await harness.get('/')).headers.location, `${harness.url}/login`);
  assert.equal(harness.asked.length, 1);
});

test('the origin is told the Host that is wanted, and known by it', async () => {
  for (const [host, told] of [
    ['origin', undefined],
    ['client', 'front.example'],
    ['app.internal:81', 'app.internal:81'],
  ] as const) {
    await using harness = await Harness.start(
      (request, response) => {
        response
          .writeHead(200, { 'Content-Location': `http://${request.headers.host}/x` })
          .end(request.headers.host);
      },
      { host },
    );
    const { text, headers } = await harness.get('/', { Host: 'front.example' });
    assert.equal(text, told ?? new URL(harness.originUrl).host);
    assert.equal(headers['content-location'], 'http://front.example/x');
  }
});
