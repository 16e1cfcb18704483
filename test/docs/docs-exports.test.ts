import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../support/root.ts';
import { pagesOf } from './support/find-names.ts';

/** Pages that users read: not those about the project, nor the table of settings. */
const INSIDE = /^docs\/(?:decisions\/|architecture|design|evaluation|paper|protocol)|^[A-Z]+\.md$/;
const text = pagesOf(ROOT)
  .filter(page => !INSIDE.test(page))
  .map(page => readFileSync(join(ROOT, page), 'utf8'))
  .join('\n');

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly default?: string }>>;
}

const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const entries = Object.entries(exports).filter(([, { default: file }]) => file?.endsWith('.js'));

for (const [name, { default: file = '' }] of entries) {
  test(`the guides show all that ${name.replace('.', 'iolite')} exports`, async () => {
    const source = file.replace(/^\.\/dist\//, '');
    const entry: object = await import(pathToFileURL(join(ROOT, 'dist', source)).href);
    const unshown = Object.keys(entry).filter(
      name => name !== 'default' && !new RegExp(`\\b${name}\\b`).test(text),
    );
    assert.deepEqual(unshown, []);
  });
}
