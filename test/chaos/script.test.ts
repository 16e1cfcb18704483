import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawScript } from '../../chaos/script.ts';

const OPTIONS = { length: 120_000, pace: 300, domains: 6, readers: 3, clients: 2 };
const drawn = (seed: number) => {
  const { parts, faults } = drawScript(
    { run: 'r', folder: '/nowhere', seed, ports: { web: 1, edge: 2 } },
    OPTIONS,
  );
  return JSON.stringify([faults, parts.map(({ name, brings, args }) => [name, brings, args(3)])]);
};

test('the same seed has the same processes, and the same befalls them', () => {
  assert.equal(drawn(11), drawn(11));
  assert.notEqual(drawn(11), drawn(12));
});
