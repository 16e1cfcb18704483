import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerRequest } from '../../../src/http/message/exchange.ts';
import { relatedResource, resourceOf } from '../../../src/http/proxy/resource.ts';

function request(target: string, fields: Record<string, string> = {}, secure = false): ServerRequest {
  const headers: Record<string, string> = { host: 'a.example', ...fields };
  return {
    method: 'GET',
    target,
    secure,
    remoteAddress: undefined,
    rawHeaders: Object.entries(headers).flat(),
    header: name => headers[name],
    body: undefined,
  };
}

function keyOf(
  target: string,
  fields?: Record<string, string>,
  { secure = false, trust = false } = {},
): string | undefined {
  return resourceOf(request(target, fields, secure), trust)?.key;
}

test('the key is the whole target: scheme, host, port, path and query, as they were sent', () => {
  const keys = [
    keyOf('/'),
    keyOf('/', {}, { secure: true }),
    keyOf('/', { host: 'b.example' }),
    keyOf('/', { host: 'a.example:8080' }),
    keyOf('/', { host: 'a.example:443' }),
    keyOf('/', { host: 'a.example:80' }, { secure: true }),
    keyOf('/A'),
    keyOf('/a'),
    keyOf('/%61'),
    keyOf('/%41'),
    keyOf('/a/'),
    keyOf('//a'),
    keyOf('/a?'),
    keyOf('/a?b'),
    keyOf('/a%3Fb'),
    keyOf('/a;b'),
  ];
  assert.ok(!keys.includes(undefined));
  assert.equal(new Set(keys).size, keys.length);
});

test('the case of a host, and the port that its scheme implies, make no difference', () => {
  for (const host of ['A.Example', 'a.example:80', 'A.EXAMPLE:80', 'a.example:']) {
    assert.equal(keyOf('/', { host }), keyOf('/'), host);
    assert.equal(keyOf(`http://${host}/`), keyOf('/'), host);
  }
  const secure = { secure: true };
  assert.equal(keyOf('/', { host: 'a.example:443' }, secure), keyOf('/', {}, secure));
  // How it came says whether it is secure, whatever its target says.
  assert.equal(keyOf('https://a.example/'), keyOf('/'));
  assert.equal(keyOf('http://a.example', { host: 'b.example' }), keyOf('/'));
  assert.equal(keyOf('/', { host: 'a.example, b.example' }), undefined);
  assert.equal(keyOf('http://user@a.example/'), undefined);
});

test('a long target has a short key of its own', () => {
  const long = 'x'.repeat(10_000);
  const keys = [`/${long}`, `/${long}y`, `/?${long}`].map(target => keyOf(target) as string);
  assert.equal(new Set(keys).size, 3);
  for (const key of keys) assert.ok(key.length < 100, key);
  assert.equal(keyOf(`/${long}`), keys[0]);
  assert.notEqual(keyOf(`/${long}`, {}, { secure: true }), keys[0]);
  assert.notEqual(keyOf(`/${long}`, { host: 'b.example' }), keys[0]);
});

test('what a server in front says counts where it is believed', () => {
  const fields = { 'x-forwarded-host': 'B.example', 'x-forwarded-proto': 'HTTPS' };
  const secure = { secure: true };
  assert.equal(keyOf('/', fields), keyOf('/'));
  assert.equal(keyOf('/', fields, { trust: true }), keyOf('/', { host: 'b.example' }, secure));
  const forwarded = { forwarded: 'for=192.0.2.1;host="b.example:443" ; Proto=https, for=x;host=c.example' };
  assert.equal(keyOf('/', forwarded, { trust: true }), keyOf('/', { host: 'b.example' }, secure));
  assert.equal(keyOf('/', forwarded), keyOf('/'));
  for (const name of ['x-forwarded-port', 'x-forwarded-prefix', 'x-original-url', 'x-rewrite-url']) {
    assert.equal(keyOf('/', { [name]: '/b' }), keyOf('/'));
    const trusted = ['/b', '/c'].map(value => keyOf('/', { [name]: value }, { trust: true }));
    assert.equal(new Set([...trusted, keyOf('/')]).size, 3, name);
  }
  assert.equal(keyOf('/', { 'x-forwarded-for': '192.0.2.1' }, { trust: true }), keyOf('/'));
  for (const host of ['a b', 'a"b', 'a/b', 'a@b']) {
    assert.equal(keyOf('/', { 'x-forwarded-host': host }, { trust: true }), undefined, host);
  }
  for (const malformed of ['host', 'host="b', 'host=b c', ';;', 'host=b;;']) {
    assert.equal(keyOf('/', { forwarded: malformed }, { trust: true }), keyOf('/'), malformed);
  }
});

test('relatedResource() names what is on the same host', () => {
  const base = resourceOf(request('/a/b?c', {}, true), false)!;
  const at = (reference: string): string | undefined => relatedResource(base, reference)?.key;
  const secure = { secure: true };
  assert.equal(at('../d'), keyOf('/d', {}, secure));
  assert.equal(at('https://A.example:443/d?e'), keyOf('/d?e', {}, secure));
  assert.equal(at('https://b.example/d'), undefined);
  assert.equal(relatedResource(base, undefined), undefined);
});
