import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

/** The files that a built module loads at once, itself included. */
function filesOf(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found;
  found.add(path);
  const statements = readFileSync(path, 'utf8').matchAll(/^(?:import|export|\})[^;'"]*?"(\.[^"]+)";/gm);
  for (const [, relative = ''] of statements) filesOf(join(dirname(path), relative), found);
  return found;
}

test('entries are few files, as it costs more to find one than to compile what is in most', () => {
  for (const [name, path] of entries) {
    const { size } = filesOf(path);
    assert.ok(size > 1 && size <= (name.startsWith('./bl') ? 5 : 14), `${name} is ${size} files`);
  }
});

test('lists of buffers load none of the modules of Node.js that take long', async () => {
  const path = join(ROOT, 'dist/bl/index.js');
  const program = `await import('${path}'); console.log(process.moduleLoadList.join());`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: ROOT });
  assert.match(stdout, /NativeModule stream,/);
  assert.doesNotMatch(stdout, /NativeModule (crypto|zlib|net|http|tls|child_process),/);
});
