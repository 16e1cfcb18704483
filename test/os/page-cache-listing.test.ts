import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { namesEnding } from '../../src/os/page-cache.ts';
import { Folder } from '../support/folder.ts';

function namesIn(folder: Folder, most: number): [string[], number] | undefined {
  const fd = openSync(folder.path, 'r');
  try {
    const found = namesEnding(fd, ['.br', '.gz'], most);
    return found && [[...found.names].sort(), found.count];
  } finally {
    closeSync(fd);
  }
}

test('the names that end so are told, and how many there are in all', () => {
  using folder = new Folder();
  const names = [
    'a.br',
    'a.bz',
    'a.gz',
    'b',
    'br',
    'größe.html.gz',
    `${'x'.repeat(250)}.br`,
    '.br',
    'c.gzip',
  ];
  for (const name of names) writeFileSync(folder.file(name), '');
  mkdirSync(folder.file('folder.gz'));
  const wanted = names.filter(name => name.endsWith('.br') || name.endsWith('.gz'));
  // The directory itself and the one above it are names, too.
  assert.deepEqual(namesIn(folder, 100), [[...wanted, 'folder.gz'].sort(), names.length + 3]);
});

test('more than one call brings', () => {
  using folder = new Folder();
  const names = Array.from({ length: 3000 }, (_, number) => `${number}.${number % 3 === 0 ? 'br' : 'html'}`);
  for (const name of names) writeFileSync(folder.file(name), '');
  const wanted = names.filter(name => name.endsWith('.br')).sort();
  assert.deepEqual(namesIn(folder, 10_000), [wanted, names.length + 2]);
  assert.equal(namesIn(folder, 1000), undefined);
});

test('of what is no directory, or is not open, nothing is told', () => {
  assert.equal(namesEnding(-1, ['.br'], 10), undefined);
});
