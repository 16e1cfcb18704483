import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Aggregate } from '../../src/aggregate/aggregate.ts';
import { type Leak, type LeakDetection, setLeakDetection } from '../../src/aggregate/leak-detector.ts';
import { createPool } from '../../src/aggregate/pool.ts';
import { collectGarbage } from '../support/garbage.ts';

afterEach(() => setLeakDetection('off'));

const pool = createPool({ memory: 'heap' });

function leakSomething(): void {
  pool.from('leaked');
}

test("'full' reports where a collected and never released aggregate was made", async () => {
  const leaks: Leak[] = [];
  setLeakDetection('full', leak => leaks.push(leak));
  leakSomething();
  await collectGarbage(() => leaks.length > 0);
  assert.equal(leaks[0]?.bytes, 6);
  assert.match(leaks[0]?.stack ?? '', /leakSomething/);
});

test("'sampled' finds what is leaked often", async () => {
  const leaks: Leak[] = [];
  setLeakDetection('sampled', leak => leaks.push(leak));
  for (let i = 0; i < 200; i++) leakSomething();
  await collectGarbage(() => leaks.length >= 3);
  assert.equal(leaks.length, 3);
});

test('aggregates that were released, or that never held a byte, are no leaks', async () => {
  const leaks: Leak[] = [];
  setLeakDetection('full', leak => leaks.push(leak));
  for (let i = 0; i < 50; i++) {
    using aggregate = pool.from('released');
    aggregate.splice(0, 0);
    aggregate.split(8);
    Aggregate.empty();
  }
  leakSomething();
  await collectGarbage(() => leaks.length > 0);
  assert.deepEqual(
    leaks.map(({ bytes }) => bytes),
    [6],
  );
});

test('without a callback a leak is a process warning', async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error): number => warnings.push(warning);
  process.on('warning', listen);
  setLeakDetection('full');
  leakSomething();
  await collectGarbage(() => warnings.length > 0);
  process.off('warning', listen);
  assert.equal(warnings[0]?.name, 'IoliteLeakWarning');
});

test('setLeakDetection() refuses what it does not know', () => {
  assert.throws(() => setLeakDetection('all' as LeakDetection), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.throws(() => setLeakDetection('full', 1 as unknown as () => void), { code: 'ERR_IOLITE_ARGUMENT' });
});
