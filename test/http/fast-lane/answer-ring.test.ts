import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AnswerRing, SPARE_BYTES } from '../../../src/http/fast-lane/answer-ring.ts';

const ADDRESS = 0x7f12_3456_8000;
const MOST = 8;

/** A ring in memory of the heap, whose addresses nobody follows. */
class Fixture {
  readonly bytes: Buffer;
  readonly read = Buffer.alloc(4096, 0xa5);
  readonly ring: AnswerRing;

  constructor(length: number, mostRecords = MOST) {
    this.bytes = Buffer.alloc(length);
    this.ring = new AnswerRing({ address: ADDRESS, length, bytes: this.bytes }, this.read, mostRecords);
  }

  /** Reads a request. @returns its length */
  come(request: string, behind = ''): number {
    this.read.write(request + behind, 'latin1');
    return request.length;
  }

  keep(request: string, head: string, body: number): void {
    const repeatable = { mayRepeat: () => true };
    const answer = {
      status: 200 + (body % 300),
      repeatable,
      head: Buffer.from(head),
      isWhole: body % 2 === 0,
    };
    this.ring.keep(this.come(request), { ...answer, bodyAddress: 2 ** 46 + body, bodyBytes: body });
  }

  /** What is kept for a request. */
  find(request: string, behind = ''): { head: string; body: number } | undefined {
    const { ring } = this;
    const record = ring.find(this.come(request, behind));
    if (record === -1) return undefined;
    assert.equal(ring.repeatableOf(record)?.mayRepeat(), true);
    const body = ring.bodyLengthOf(record);
    assert.equal(ring.statusOf(record), 200 + (body % 300));
    assert.equal(ring.isWhole(record), body % 2 === 0);
    assert.equal(ring.bodyAddressOf(record), 2 ** 46 + body);
    const at = ring.headAddressOf(record) - ADDRESS;
    assert.ok(at >= SPARE_BYTES && at + ring.headLengthOf(record) <= this.bytes.length);
    return { head: this.bytes.toString('latin1', at, at + ring.headLengthOf(record)), body };
  }
}

test('whatever was kept and forgotten, what is found is what was kept last for just these bytes', () => {
  const text = fc.constantFrom('a', 'b', 'ab', 'abc', 'abcd', 'abcde', 'x'.repeat(90), 'y'.repeat(200));
  const step = fc.tuple(
    fc.constantFrom('keep', 'find', 'forget'),
    text,
    text,
    fc.nat({ max: 2 ** 31 - 1 }),
    text,
  );
  fc.assert(
    fc.property(
      fc.constantFrom(640, 1024, 1920, 4096),
      fc.array(step, { maxLength: 80 }),
      (length, steps) => {
        const fixture = new Fixture(SPARE_BYTES + length);
        const model = new Map<string, { head: string; body: number }>();
        for (const [what, request, head, body, behind] of steps) {
          if (what === 'keep') {
            fixture.keep(request, head, body);
            model.set(request, { head, body });
            const isTooLarge = 32 + request.length + head.length > length / 2;
            if (!isTooLarge && 128 + request.length + head.length <= length / 2)
              assert.deepEqual(fixture.find(request), { head, body });
          } else if (what === 'forget') {
            const record = fixture.ring.find(fixture.come(request));
            if (record !== -1) fixture.ring.forget(record);
            model.delete(request);
            assert.equal(fixture.find(request), undefined);
          }
          const found = fixture.find(request, behind);
          if (found !== undefined) assert.deepEqual(found, model.get(request));
          assert.ok(fixture.ring.count <= MOST);
        }
      },
    ),
  );
});

test('the newest are kept, up to a number and as far as there is memory', () => {
  const fixture = new Fixture(SPARE_BYTES + 10 * 128, 1024);
  for (let number = 0; number < 1000; number++) {
    fixture.keep(`GET /${number}`, `head of ${number} ${'.'.repeat(number % 40)}`, number);
    for (let back = 0; back < Math.min(5, number); back++) {
      assert.equal(fixture.find(`GET /${number - back}`)?.body, number - back);
    }
  }
  assert.equal(fixture.find('GET /0'), undefined);
  const few = new Fixture(65_536);
  for (let number = 0; number < 3 * MOST; number++) few.keep(`GET /${number}`, 'head', number);
  assert.equal(few.ring.count, MOST);
  assert.equal(few.find(`GET /${2 * MOST}`)?.body, 2 * MOST);
  assert.equal(few.find(`GET /${2 * MOST - 1}`), undefined);
});

test('thousands are found, for there are more groups where more are kept', () => {
  const fixture = new Fixture(8 * 1024 ** 2, 32_768);
  for (let number = 0; number < 20_000; number++) fixture.keep(`GET /page-${number}.html`, 'head', number);
  let found = 0;
  for (let number = 0; number < 20_000; number++) {
    const kept = fixture.find(`GET /page-${number}.html`);
    if (kept === undefined) continue;
    assert.equal(kept.body, number);
    found += 1;
  }
  assert.ok(found > 18_000, `${found} of 20,000 are found`);
});

test('where the last round ended is forgotten once all of that round is dropped', () => {
  const LINE = 64;
  const few = 4;
  const fixture = new Fixture(SPARE_BYTES + 12 * LINE, few);
  let number = 0;
  const keep = (lines: number): string => {
    number += 1;
    const request = `GET /${String(number).padStart(3, '0')}`;
    fixture.keep(request, '.'.repeat(lines * LINE - 48), number);
    return request;
  };
  // The first round ends behind eight lines, as the next has no room there.
  for (const lines of [2, 2, 2, 2, 5, 1, 2]) keep(lines);
  // In the second round one ends at the very place, and others follow it.
  const behind = keep(1);
  for (let times = 1; times < few; times++) keep(1);
  assert.notEqual(fixture.find(behind), undefined);
  keep(1);
  assert.equal(fixture.find(behind), undefined);
});
