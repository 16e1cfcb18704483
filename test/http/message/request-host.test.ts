import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesOneHost } from '../../../src/http/message/request-host.ts';

function names(...fields: string[]): boolean {
  const headers: Record<string, string> = {};
  for (let i = 0; i < fields.length; i += 2)
    headers[String(fields[i]).toLowerCase()] ??= String(fields[i + 1]);
  return namesOneHost({ rawHeaders: fields, headers });
}

test('a request names one host, or none', () => {
  for (const host of ['a', 'a:80', 'a:', '', '[::1]', '[::1]:80', 'xn--a', 'a_b', '%C3%A4'])
    assert.equal(names('Host', host), true, host);
  for (const host of ['a b', 'a/b', 'a?b', 'a#b', 'a@b', 'a:b', '[::1', '::1', 'a\\b', '"a"'])
    assert.equal(names('Host', host), false, host);
  assert.equal(names(), true);
  assert.equal(names('Host', 'a', 'host', 'a'), false);
});

test('an authority is no other host than Host', () => {
  assert.equal(names(':authority', 'a', 'host', 'A'), true);
  assert.equal(names(':authority', 'a'), true);
  assert.equal(names(':authority', 'a', 'host', 'b'), false);
  assert.equal(names(':authority', 'a b'), false);
});
