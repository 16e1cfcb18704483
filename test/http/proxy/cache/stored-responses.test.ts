import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerRequest } from '../../../../src/http/message/exchange.ts';
import type { ResponseFacts } from '../../../../src/http/proxy/cache/response-facts.ts';
import { keyOfVariant, select, selectsSame } from '../../../../src/http/proxy/cache/stored-responses.ts';
import { makeResource } from '../../../../src/http/proxy/resource.ts';

const RESOURCE = makeResource('http', 'a.example', '/b?c');
const KEY = RESOURCE.key;

function request(fields: Record<string, string> = {}): ServerRequest {
  return sent(Object.entries(fields).flat());
}

/** A request with these lines, as node:http gives it: of some fields it has the first line only. */
function sent(rawHeaders: readonly string[]): ServerRequest {
  const first = (name: string): string | undefined => {
    const at = rawHeaders.findIndex((each, index) => index % 2 === 0 && each.toLowerCase() === name);
    return at === -1 ? undefined : rawHeaders[at + 1];
  };
  return { header: first, rawHeaders } as unknown as ServerRequest;
}

function response(vary?: string): ResponseFacts {
  const headers = vary === undefined ? [] : ['Vary', vary];
  return { kind: 'response', status: 200, headers, requestedAt: 0, receivedAt: 0 };
}

test('a response that does not vary is under the key of its resource', () => {
  const facts = response();
  assert.equal(
    select(RESOURCE, request(), () => undefined),
    'uri-miss',
  );
  assert.deepEqual(
    select(RESOURCE, request({ accept: 'x' }), key => (key === KEY ? facts : undefined)),
    { key: KEY, facts },
  );
});

test('a response that varies is selected by the fields that it varies by', () => {
  const fields = ['accept', 'accept-language'];
  const german = request({ accept: 'text/html', 'accept-language': 'de' });
  const known = new Map<string, ReturnType<Parameters<typeof select>[2]>>([
    [KEY, { kind: 'variants', fields, epoch: '1' }],
  ]);
  const look = (key: string) => known.get(key);
  assert.equal(select(RESOURCE, german, look), 'vary-miss');
  const facts = response('Accept, Accept-Language');
  const key = keyOfVariant(KEY, '1', fields, german);
  known.set(key, facts);
  assert.deepEqual(select(RESOURCE, german, look), { key, facts });
  const other = request({ accept: 'text/html', 'accept-language': 'fr', 'x-other': 'y' });
  assert.equal(select(RESOURCE, other, look), 'vary-miss');
  // After an invalidation nothing of before is found.
  known.set(KEY, { kind: 'variants', fields, epoch: '2' });
  assert.equal(select(RESOURCE, german, look), 'vary-miss');
});

test('values are the same whatever the spaces around their members, and nothing is not empty', () => {
  const keys = ['a,b', ' a , b ', 'a,\tb'].map(accept =>
    keyOfVariant(KEY, '1', ['accept'], request({ accept })),
  );
  assert.equal(new Set(keys).size, 1);
  const others = [request(), request({ accept: '' }), request({ accept: 'b,a' })];
  const different = others.map(each => keyOfVariant(KEY, '1', ['accept'], each));
  assert.equal(new Set([...keys, ...different]).size, 4);
  // Names belong to the values.
  const [one, two] = [request({ a: 'x', b: 'y' }), request({ a: 'y', b: 'x' })];
  assert.notEqual(keyOfVariant(KEY, '1', ['a', 'b'], one), keyOfVariant(KEY, '1', ['a', 'b'], two));
});

test('selectsSame() compares the fields that a response varies by, and no others', () => {
  const facts = response('Accept, X-A');
  const fields = { accept: 'a, b', 'x-a': '1', 'x-b': '2' };
  assert.equal(selectsSame(facts, request(fields), request({ ...fields, accept: 'a,b', 'x-b': '3' })), true);
  assert.equal(selectsSame(facts, request(fields), request({ ...fields, 'x-a': '2' })), false);
  assert.equal(selectsSame(response(), request(fields), request()), true);
});

test('all lines of a field select, and those of a name that many an origin takes for it', () => {
  const facts = response('User-Agent');
  const honest = sent(['User-Agent', 'a']);
  assert.equal(selectsSame(facts, honest, sent(['user-agent', ' a '])), true);
  assert.equal(selectsSame(facts, honest, sent(['User-Agent', 'a', 'User-Agent', 'b'])), false);
  assert.equal(selectsSame(facts, honest, sent(['User-Agent', 'a', 'User_Agent', 'b'])), false);
  assert.equal(selectsSame(facts, honest, sent(['User-Agent', 'a', 'Connection', 'User_Agent'])), false);
});
