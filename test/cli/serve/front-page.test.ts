import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { frontPageAdvice } from '../../../src/cli/serve/front-page.ts';
import { Folder } from '../../support/folder.ts';

test('a directory without a page to begin with is told of, where nothing else answers', () => {
  using folder = new Folder();
  const { path: root } = folder;
  assert.match(frontPageAdvice({ root }) ?? '', /has no index\.html: \/ is a 404.*--listing/);
  assert.equal(frontPageAdvice({ root, site: { listing: true } }), undefined);
  assert.equal(frontPageAdvice({ root, site: { fallback: 'app.html' } }), undefined);
  assert.equal(frontPageAdvice({ root, origin: 'http://127.0.0.1:1' }), undefined);
  assert.equal(frontPageAdvice({ origin: 'http://127.0.0.1:1' }), undefined);
  writeFileSync(folder.file('index.html'), 'x');
  assert.equal(frontPageAdvice({ root }), undefined);
});
