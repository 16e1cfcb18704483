import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { ROOT } from '../../../../support/root.ts';

const MAIN = fileURLToPath(new URL('../../../../../src/cli/serve/inspect/page/main.ts', import.meta.url));
const FOLDER = join(ROOT, 'src/cli/serve/inspect/page');

const html = readFileSync(join(FOLDER, 'index.html'), 'utf8');
const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);

test('the page is whole: it can be bundled, and what its code looks for is there, once', async () => {
  const { outputFiles } = await build({
    entryPoints: [MAIN.replace(/\.js$/, '.ts').replace('/dist-test/', '/')],
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'silent',
    tsconfigRaw: '{}',
  });
  const [script] = outputFiles;
  assert.ok(script !== undefined && script.text.length > 10_000);
  assert.deepEqual(ids, [...new Set(ids)]);
  const wanted = new Set([...script.text.matchAll(/\bat\("([^"]+)"\)/g)].map(([, id]) => id));
  assert.ok(wanted.size > 10);
  for (const id of wanted) assert.ok(ids.includes(id), id);
});

test('nothing is asked of anybody but its server, and nothing in it needs a policy that is weaker', () => {
  assert.doesNotMatch(html, /https?:|src="\/\/|<style|<script>| style="| on\w+="/);
});
