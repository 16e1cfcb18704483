import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Installation, pack } from './support/installation.ts';

const project = new Installation();
after(() => project[Symbol.dispose]());

const BODY = `
test('shares', async () => {
  const text = createPool({ memory: 'shared' }).from('one copy');
  expect(text.toString()).toBe('one copy');
  // Contexts of their own have no such symbol in Node.js 20 and 22 unless somebody defines it.
  expect(typeof text[Symbol.dispose]).toBe('function');
  text[Symbol.dispose]();
  const cache = createFileCache({ budget: 2 ** 20 });
  const file = await cache.read(process.argv[1]);
  expect(file.length).toBeGreaterThan(0);
  file.release();
  cache.close();
});`;
const IMPORTS = `import { createFileCache, createPool } from 'iolite';`;

before(async () => {
  await project.install([pack(project.folder), 'jest@30.5.2', 'vitest@4.1.12']);
  project.write('vitest.test.mjs', `import { expect, test } from 'vitest';\n${IMPORTS}${BODY}`);
  project.write('jest.test.mjs', IMPORTS + BODY);
  project.write('jest.test.cjs', `const { createFileCache, createPool } = require('iolite');${BODY}`);
  project.write(
    'jest.json',
    JSON.stringify({ testMatch: ['**/jest.test.*'], moduleFileExtensions: ['js', 'cjs', 'mjs'] }),
  );
});

for (const pool of ['threads', 'forks', 'vmThreads']) {
  test(`Vitest with ${pool}`, async context => {
    if (project.unreachable !== undefined) return context.skip(project.unreachable);
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', `--pool=${pool}`, 'vitest.test.mjs'];
    const { code, stdout, stderr } = await project.node(vitest);
    assert.equal(code, 0, stdout + stderr);
    assert.doesNotMatch(stderr, /IOLITE_HEAP/);
  });
}

const jest = ['node_modules/jest/bin/jest.js', '--config', 'jest.json'];

test('jest with modules', async context => {
  if (project.unreachable !== undefined) return context.skip(project.unreachable);
  const { code, stderr } = await project.node(['--experimental-vm-modules', ...jest, 'jest.test.mjs']);
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /IOLITE_HEAP/);
});

test('jest in CommonJS says that it cannot load modules, before Node.js 24.9', async context => {
  if (project.unreachable !== undefined) return context.skip(project.unreachable);
  const { code, stderr } = await project.node([...jest, 'jest.test.cjs']);
  if (code === 0) return;
  assert.match(stderr, /Must use import to load ES Module/);
});
