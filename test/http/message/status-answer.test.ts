import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import type { Answer } from '../../../src/http/message/exchange.ts';
import { redirectAnswer, statusAnswer, textAnswer } from '../../../src/http/message/status-answer.ts';

/** The fields of an answer by their names, and its text, which is released. */
function partsOf({ status, headers, body }: Answer) {
  const fields = Object.fromEntries(
    headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]]] : [])),
  );
  assert.ok(Aggregate.isAggregate(body));
  using text = body;
  return { status, fields, text: text.toString() };
}

test('a status is answered with its name, is not stored, and may say when to come again', () => {
  assert.deepEqual(partsOf(statusAnswer(404)), {
    status: 404,
    fields: {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': '10',
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-store',
    },
    text: 'Not Found\n',
  });
  assert.equal(partsOf(statusAnswer(503)).fields['Retry-After'], '1');
  assert.equal(partsOf(statusAnswer(405, ['Allow', 'GET'])).fields.Allow, 'GET');
  assert.equal(partsOf(statusAnswer(599)).text, 'Error\n');
});

test('the length of a text is in bytes', () => {
  const { fields, text } = partsOf(textAnswer(200, 'text/x', 'zwölf €', ['X-A', 'b']));
  assert.deepEqual([fields['Content-Length'], fields['X-A'], text], ['10', 'b', 'zwölf €']);
});

test('a redirect leads to this host', () => {
  for (const [location, target] of [
    ['/a/', '/a/'],
    ['//evil.example/', '/evil.example/'],
    ['///a', '/a'],
  ] as const) {
    const { status, fields } = partsOf(redirectAnswer(location));
    assert.deepEqual([status, fields.Location], [301, target]);
  }
});
