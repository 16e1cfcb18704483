import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../support/root.ts';
import { run } from './support/installation.ts';

const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const entries = Object.entries<{ default?: string }>(exports).flatMap(([name, { default: path }]) =>
  path?.endsWith('.js') ? [[name, join(ROOT, path)] as const] : [],
);

test('each entry is imported with 64 descriptors, and shares memory where it makes pools', async () => {
  for (const [name, path] of entries) {
    const program = `const { createPool } = await import('${path}'); createPool?.().from('x').release();`;
    const node = [process.execPath, '--input-type=module', '-e', program];
    const { code, stderr } = await run('bash', ['-c', 'ulimit -n 64; exec "$@"', 'bash', ...node], {
      cwd: ROOT,
    });
    assert.equal(code, 0, `${name}: ${stderr}`);
    assert.equal(stderr, '', name);
  }
});
