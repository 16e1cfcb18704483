import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawScript } from '../../chaos/script.ts';

const OPTIONS = { length: 120_000, pace: 300, domains: 6, readers: 3, clients: 2, machines: 2 };
const drawn = (seed: number) => {
  const { parts, faults } = drawScript(
    { run: 'r', folder: '/nowhere', seed, ports: { web: 1, edge: 2, nats: 3 } },
    OPTIONS,
  );
  return JSON.stringify([faults, parts.map(({ name, brings, args }) => [name, brings, args(3)])]);
};

test('what no user may do without rights befalls nobody where it cannot be done', () => {
  const stage = { run: 'r', folder: '/nowhere', seed: 1, ports: { web: 1 } };
  const kindsOf = (plan: Parameters<typeof drawScript>[0]) =>
    new Set(drawScript(plan, { ...OPTIONS, length: 3_600_000 }).faults.map(({ kind }) => kind));
  const without = kindsOf(stage);
  const able = kindsOf({ ...stage, hasSmallDisk: true, memoryPrelude: 'true' });
  assert.deepEqual([...able].filter(kind => !without.has(kind)).sort(), ['fill disk', 'squeeze']);
  assert.ok(without.has('exhaust') && without.has('hoard') && without.has('exchange root'));
});

test('the same seed has the same processes, and the same befalls them', () => {
  assert.equal(drawn(11), drawn(11));
  assert.notEqual(drawn(11), drawn(12));
});
