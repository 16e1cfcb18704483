import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAddress } from '../../../src/http/proxy/client-address.ts';
import { createProxy } from '../../../src/http/proxy/proxy.ts';
import { TrustedProxies } from '../../../src/http/proxy/trusted-proxies.ts';
import { Harness } from './support/harness.ts';

test('addresses and ranges are trusted, of both families and of one within the other', () => {
  const trusted = new TrustedProxies(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '::1']);
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '192.0.2.7', 'fd12::1', '::1'])
    for (let i = 0; i < 2; i++) assert.equal(trusted.trusts(address), true, address);
  for (const address of ['11.0.0.1', '192.0.2.8', '::ffff:11.0.0.1', 'fe80::1', 'nowhere', undefined])
    assert.equal(trusted.trusts(address), false, address);
  assert.equal(trusted.trusts('unix:'), false);
  const local = new TrustedProxies(['unix']);
  assert.deepEqual(
    [local.trusts('unix:'), local.trusts(undefined), local.trusts('::1')],
    [true, false, false],
  );
  assert.equal(new TrustedProxies(true).trusts(undefined), true);
  assert.equal(new TrustedProxies().trusts('127.0.0.1'), false);
});

test('what is no address or range is refused', () => {
  for (const stated of ['10.0.0.0/8', ['10.0.0.0/33'], ['::1/129'], ['10.0.0.0/'], ['a'], [7], {}, null])
    assert.throws(() => createProxy({ origin: 'http://127.0.0.1', trustForwarded: stated as never }), {
      code: 'ERR_IOLITE_ARGUMENT',
    });
});

function client(
  fields: Record<string, string>,
  stated: boolean | string[] = ['10.0.0.0/8'],
): string | undefined {
  return clientAddress({ header: name => fields[name] }, '10.0.0.1', new TrustedProxies(stated));
}

test('the client is the nearest address that is not trusted', () => {
  assert.equal(client({}), '10.0.0.1');
  assert.equal(client({ 'x-forwarded-for': '1.1.1.1, 2.2.2.2, 10.0.0.9' }), '2.2.2.2');
  assert.equal(client({ 'x-forwarded-for': '10.0.0.8, 10.0.0.9' }), '10.0.0.8');
  assert.equal(client({ 'x-forwarded-for': '1.1.1.1, nonsense, 10.0.0.9' }), '10.0.0.9');
  assert.equal(client({ 'x-forwarded-for': '1.1.1.1:80' }), '1.1.1.1');
  assert.equal(client({ forwarded: 'for="[2001:db8::1]:80";proto=https, for=10.0.0.9' }), '2001:db8::1');
  assert.equal(client({ 'x-forwarded-for': '1.1.1.1, 2.2.2.2' }, true), '1.1.1.1');
  assert.equal(client({ 'x-forwarded-for': '1.1.1.1' }, false), '10.0.0.1');
});

test('only who is trusted is believed, and what it says reaches the origin in both forms', async () => {
  for (const trustForwarded of [['127.0.0.0/8'], ['10.0.0.0/8']]) {
    const isTrusted = trustForwarded[0] === '127.0.0.0/8';
    await using harness = await Harness.start((_, response) => response.end(), { trustForwarded });
    await harness.get('/', { 'X-Forwarded-For': '192.0.2.1, 2001:db8::1', 'X-Forwarded-Proto': 'https' });
    const { headers } = harness.asked[0] as { headers: Record<string, string> };
    const { host } = new URL(harness.url);
    assert.equal(headers['x-forwarded-proto'], isTrusted ? 'https' : 'http');
    assert.equal(headers['x-forwarded-for'], isTrusted ? '192.0.2.1, 2001:db8::1, 127.0.0.1' : '127.0.0.1');
    const own = `for=127.0.0.1;host="${host}";proto=${isTrusted ? 'https' : 'http'}`;
    assert.equal(headers.forwarded, isTrusted ? `for=192.0.2.1, for="[2001:db8::1]", ${own}` : own);
    await harness.get('/', { Forwarded: 'for="[2001:db8::1]", for=_hidden' });
    const second = harness.asked[1]?.headers as Record<string, string>;
    assert.equal(second['x-forwarded-for'], isTrusted ? '2001:db8::1, _hidden, 127.0.0.1' : '127.0.0.1');
  }
});
