import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  BodyKind,
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
} from '../../../src/http/app/app-protocol.ts';
import type { ServerRequest } from '../../../src/http/message/exchange.ts';

/** A value as it comes out of a channel. */
function sent<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

function request(fields: Partial<ServerRequest> = {}): ServerRequest {
  return {
    method: 'GET',
    target: '/',
    secure: false,
    remoteAddress: undefined,
    rawHeaders: [],
    body: undefined,
    header: () => undefined,
    ...fields,
  };
}

const body = fc.constantFrom(...Object.values(BodyKind));
const pairs = fc.array(fc.tuple(fc.stringMatching(/^[a-zA-Z-]{1,9}$/), fc.string())).map(all => all.flat());

test('a request comes out as it went in', () => {
  const address = fc.option(fc.ipV4(), { nil: undefined });
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.boolean(), address, body, pairs, (...fields) => {
      const [method, target, secure, remoteAddress, kind, rawHeaders] = fields;
      const facts = { method, target, secure, remoteAddress, rawHeaders };
      assert.deepEqual(decodeRequest(sent(encodeRequest(request(facts), kind))), { ...facts, body: kind });
    }),
  );
});

test('a request of HTTP/2 has a Host, and no fields of the request line', () => {
  const rawHeaders = [
    ':method',
    'GET',
    ':path',
    '/a',
    ':authority',
    'example.com',
    'host',
    'other',
    'x',
    'y',
  ];
  const { rawHeaders: fields } = decodeRequest(sent(encodeRequest(request({ rawHeaders }), BodyKind.NONE)));
  assert.deepEqual(fields, ['Host', 'example.com', 'x', 'y']);
});

test('a request with the same frozen fields again has the same head', () => {
  const rawHeaders = Object.freeze(['Host', 'a']);
  const head = encodeRequest(request({ rawHeaders }), BodyKind.NONE);
  assert.equal(encodeRequest(request({ rawHeaders }), BodyKind.NONE), head);
  for (const other of [{ method: 'HEAD' }, { target: '/b' }, { secure: true }, { remoteAddress: '::1' }]) {
    const again = sent(encodeRequest(request({ rawHeaders, ...other }), BodyKind.NONE));
    assert.deepEqual(
      again,
      sent(encodeRequest(request({ rawHeaders: [...rawHeaders], ...other }), BodyKind.NONE)),
    );
    assert.notDeepEqual(again, sent(head));
  }
});

test('an answer comes out as it went in', () => {
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 599 }), body, pairs, (status, kind, headers) => {
      const answer = { status, body: kind, headers };
      assert.deepEqual(decodeAnswer(sent(encodeAnswer(answer))), answer);
    }),
  );
});

test('heads that are none are refused', () => {
  const requests = [
    undefined,
    null,
    {},
    [],
    ['GET', '/', 0, '', 0],
    ['GET', '/', 0, '', 0, [], 0],
    [1, '/', 0, '', 0, []],
    ['GET', null, 0, '', 0, []],
    ['GET', '/', 0, 7, 0, []],
    ['GET', '/', 0, '', '0', []],
    ['GET', '/', 0, '', 0, {}],
    ['GET', '/', 0, '', 0, ['a']],
    ['GET', '/', 0, '', 0, ['a', 1]],
  ];
  for (const head of requests) {
    assert.throws(() => decodeRequest(head as never), { code: 'ERR_IOLITE_PROTOCOL' }, JSON.stringify(head));
  }
  const answers = [undefined, 'x', [200, 0], [199, 0, []], [600, 0, []], [200.5, 0, []], ['200', 0, []]];
  for (const head of [...answers, [200, '0', []], [200, 0, ['a']], [200, 0, [1, 2]]]) {
    assert.throws(() => decodeAnswer(head as never), { code: 'ERR_IOLITE_PROTOCOL' }, JSON.stringify(head));
  }
});
