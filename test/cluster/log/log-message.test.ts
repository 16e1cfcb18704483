import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeLogMessage,
  encodeLogMessage,
  invalidationMessages,
} from '../../../src/cluster/log/log-message.ts';

const MIB = 2 ** 20;

test('messages are read as they were written, and anything else is none', () => {
  const join = { kind: 'join', machine: 'a' } as const;
  assert.deepEqual(decodeLogMessage(encodeLogMessage(join)), join);
  const [only] = invalidationMessages('responses', { urls: ['/ä'], mode: 'stale' }, MIB);
  const selector = { urls: ['/ä'], mode: 'stale' };
  assert.deepEqual(decodeLogMessage(only as Uint8Array), {
    kind: 'invalidate',
    topic: 'responses',
    selector,
  });
  for (const text of ['', 'null', '[]', '{}', '{"kind":"join"}', '{"kind":"invalidate","topic":"a"}', '\xff'])
    assert.equal(decodeLogMessage(Buffer.from(text, 'latin1')), undefined, text);
});

test('long lists go in several messages, none longer than servers take, with all that they name', () => {
  const urls = Array.from({ length: 40 }, (_, index) => `/${index}${'u'.repeat(60 * 1024)}`);
  const groups = ['one', 'two'];
  for (const [maxPayload, most] of [
    [8 * MIB, 512 * 1024],
    [100_000, 90_000],
  ] as const) {
    const messages = invalidationMessages('responses', { urls, groups, mode: 'stale' }, maxPayload);
    assert(messages.every(({ length }) => length <= most));
    const selectors = messages.map(message => {
      const read = decodeLogMessage(message);
      return read?.kind === 'invalidate' ? read.selector : {};
    });
    assert.deepEqual(selectors.flatMap(selector => selector.urls ?? []).sort(), [...urls].sort());
    assert.deepEqual(
      selectors.flatMap(selector => selector.groups ?? []),
      groups,
    );
    assert(selectors.every(({ mode }) => mode === 'stale'));
  }
});

test('a name that no message has room for is refused', () => {
  const urls = [`/${'u'.repeat(600 * 1024)}`];
  assert.throws(() => invalidationMessages('responses', { urls }, 8 * MIB), { code: 'ERR_IOLITE_LIMIT' });
});
