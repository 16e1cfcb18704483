import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callbackOf, lastOpensslError, openssl, opensslUnsupported } from '../../src/os/openssl.ts';

test('the OpenSSL that is called is the one that Node.js runs on', () => {
  assert.equal(opensslUnsupported(), undefined);
  const [major, minor, patch] = (process.versions.openssl ?? '').split(/[.+-]/).map(Number);
  const number = openssl().OpenSSL_version_num();
  assert.deepEqual([number >>> 28, (number >>> 20) & 0xff, (number >>> 4) & 0xff], [major, minor, patch]);
});

test('an error is told once, in words, and leaves nothing in the queue that Node.js shares', () => {
  const { SSL_CTX_new, SSL_CTX_free, SSL_CTX_set_cipher_list, TLS_server_method, ERR_get_error } = openssl();
  const context = SSL_CTX_new(TLS_server_method());
  try {
    assert.equal(SSL_CTX_set_cipher_list(context, 'no cipher'), 0);
    assert.equal(lastOpensslError(), 'no cipher match');
    assert.equal(ERR_get_error(), 0);
    assert.equal(lastOpensslError(), 'no reason given');
  } finally {
    SSL_CTX_free(context);
  }
});

test('what a callback throws does not go through OpenSSL', () => {
  const pointer = callbackOf(
    () => {
      throw new Error('a bug of the callback');
    },
    2,
    2,
  );
  assert.ok(pointer > 0);
});
