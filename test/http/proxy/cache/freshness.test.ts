import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { parseDirectives } from '../../../../src/http/message/cache-control.ts';
import { ageOf, freshnessOf, mayStandIn, useOf } from '../../../../src/http/proxy/cache/freshness.ts';
import type { ResponseFacts } from '../../../../src/http/proxy/cache/response-facts.ts';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const HOUR = 3600;

function response(headers: Record<string, string>, changes: Partial<ResponseFacts> = {}): ResponseFacts {
  const list = Object.entries({ Date: dateAt(0), ...headers }).flat();
  return { kind: 'response', status: 200, headers: list, requestedAt: NOW, receivedAt: NOW, ...changes };
}

function dateAt(seconds: number): string {
  return new Date(NOW + seconds * 1000).toUTCString();
}

test('ageOf() counts what was stated, the way, and the time since (RFC 9111, 4.2.3)', () => {
  assert.equal(ageOf(response({}), NOW + 5000), 5);
  assert.equal(ageOf(response({ Age: '7' }), NOW), 7);
  assert.equal(ageOf(response({ Age: 'x' }), NOW), 0);
  assert.equal(ageOf(response({ Age: '7' }, { requestedAt: NOW - 3000 }), NOW + 1000), 11);
  assert.equal(ageOf(response({ Date: dateAt(-100), Age: '7' }), NOW), 100);
  assert.equal(ageOf(response({ Age: '70, 0' }), NOW), 70);
  assert.equal(ageOf(response({ Age: '0, 70' }), NOW), 0);
  assert.equal(ageOf(response({ Age: '7 0, 70' }), NOW), 0);
  assert.equal(ageOf(response({ Date: dateAt(100) }), NOW), 0);
  assert.equal(ageOf(response({ Date: 'no date' }), NOW), 0);
  // A clock that was put back makes nothing younger than it was.
  assert.equal(ageOf(response({ Age: '7' }), NOW - 60_000), 7);
});

test('lifetime goes by what is stated before what can be guessed (RFC 9111, 4.2.1)', () => {
  const lifetime = (headers: Record<string, string>, status = 200) =>
    freshnessOf(response(headers, { status })).lifetime;
  const all = {
    'Cache-Control': 's-maxage=1, max-age=2',
    Expires: dateAt(3),
    'Last-Modified': dateAt(-HOUR),
  };
  assert.equal(lifetime(all), 1);
  assert.equal(lifetime({ ...all, 'Cache-Control': 'max-age=2' }), 2);
  assert.equal(lifetime({ ...all, 'Cache-Control': 'public' }), 3);
  assert.equal(lifetime({ 'Last-Modified': dateAt(-HOUR) }), HOUR / 10);
  assert.equal(lifetime({ 'Last-Modified': dateAt(-1000 * 24 * HOUR) }), 24 * HOUR);
  assert.equal(lifetime({ 'Last-Modified': dateAt(HOUR) }), 0);
  assert.equal(lifetime({ 'Last-Modified': 'Thu, 01 Jan 1970 00:00:01 GMT' }), 0);
  assert.equal(lifetime({ 'Last-Modified': dateAt(-HOUR) }, 302), 0);
  assert.equal(lifetime({ 'Last-Modified': dateAt(-HOUR), 'Cache-Control': 'public' }, 302), HOUR / 10);
  assert.equal(lifetime({ Expires: '0' }), 0);
  assert.equal(lifetime({ Expires: dateAt(-5) }), 0);
  assert.equal(lifetime({ 'Cache-Control': 'max-age=x', Expires: dateAt(60) }), 0);
});

test('useOf() heeds what both sides ask for (RFC 9111, 4.2.4 and 5.2)', () => {
  const cases: [control: string, age: number, wanted: string, use: string][] = [
    ['max-age=10', 9, '', 'fresh'],
    ['max-age=10', 10, '', 'validated'],
    ['max-age=10, no-cache', 0, '', 'validated'],
    ['max-age=10', 0, 'no-cache', 'validated'],
    ['max-age=10', 5, 'max-age=5', 'fresh'],
    ['max-age=10', 6, 'max-age=5', 'validated'],
    ['max-age=10', 0, 'max-age=0', 'fresh'],
    ['max-age=10', 5, 'min-fresh=5', 'fresh'],
    ['max-age=10', 6, 'min-fresh=5', 'validated'],
    ['max-age=10, stale-while-revalidate=5', 14, '', 'while-revalidating'],
    ['max-age=10, stale-while-revalidate=5', 15, '', 'validated'],
    ['s-maxage=10, stale-while-revalidate=5', 14, '', 'while-revalidating'],
    ['max-age=10, stale-while-revalidate=5, must-revalidate', 14, '', 'validated'],
    ['max-age=10, stale-while-revalidate=5', 14, 'max-age=12', 'validated'],
    ['max-age=10', 20, 'max-stale', 'stale'],
    ['max-age=10', 20, 'max-stale=10', 'stale'],
    ['max-age=10', 21, 'max-stale=10', 'validated'],
    ['max-age=10, must-revalidate', 11, 'max-stale', 'validated'],
    ['max-age=10, proxy-revalidate', 11, 'max-stale', 'validated'],
    ['s-maxage=10', 11, 'max-stale', 'validated'],
  ];
  for (const [control, age, wanted, use] of cases) {
    const facts = response({ 'Cache-Control': control });
    assert.equal(
      useOf(facts, parseDirectives(wanted), NOW + age * 1000),
      use,
      `${control}; ${age}; ${wanted}`,
    );
  }
});

test('mayStandIn() as long as the response, or the request, says (RFC 5861, 4)', () => {
  const cases: [control: string, age: number, wanted: string, may: boolean][] = [
    ['max-age=10', 11, '', false],
    ['max-age=10, stale-if-error=5', 14, '', true],
    ['max-age=10, stale-if-error=5', 15, '', false],
    ['max-age=10', 14, 'stale-if-error=5', true],
    ['max-age=10, must-revalidate, stale-if-error=5', 11, '', false],
    ['max-age=10, no-cache, stale-if-error=5', 11, '', false],
  ];
  for (const [control, age, wanted, may] of cases) {
    const facts = response({ 'Cache-Control': control });
    assert.equal(mayStandIn(facts, parseDirectives(wanted), NOW + age * 1000), may, `${control}; ${age}`);
  }
});

test('what lies in a cache does not become younger when the clock of the day is set back', () => {
  const facts = response({ Age: '7' });
  assert.equal(ageOf(facts, NOW), 7);
  const time = performance.now.bind(performance);
  const moved = mock.method(performance, 'now', () => time() + HOUR * 1000);
  try {
    assert.equal(Math.floor(ageOf(facts, NOW)), 7 + HOUR);
    assert.equal(useOf(response({ 'Cache-Control': 'max-age=60' }), new Map(), NOW), 'fresh');
    // Set forward, as after a machine has slept, it makes it older.
    assert.equal(ageOf(facts, NOW + 2 * HOUR * 1000), 7 + 2 * HOUR);
  } finally {
    moved.mock.restore();
  }
});
