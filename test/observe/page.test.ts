import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Script } from 'node:vm';
import { STATUS_PAGE } from '../../src/observe/page.ts';

const [, script = ''] = /<script>([\s\S]*)<\/script>/.exec(STATUS_PAGE) ?? [];
const ids = [...STATUS_PAGE.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);

test('the page is whole: its script compiles, and asks nobody but its server', () => {
  new Script(script);
  assert.doesNotMatch(STATUS_PAGE, /[`\\]|\$\{/);
  assert.doesNotMatch(STATUS_PAGE, /https?:|src="\/\//);
  const asked = [...script.matchAll(/fetch\('([^']+)'/g)].map(([, url]) => url);
  assert.deepEqual(asked, ['/_iolite/status.json']);
});

test('what the script writes to is there, once', () => {
  assert.deepEqual(ids, [...new Set(ids)]);
  const written = new Set([...script.matchAll(/\bat\('([^']+)'\)/g)].map(([, id]) => id));
  assert.ok(written.size > 5);
  for (const id of written) assert.ok(ids.includes(id), id);
});
