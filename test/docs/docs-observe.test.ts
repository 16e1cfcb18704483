import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { registry } from '../../src/observe/registry.ts';
import { ROOT } from '../support/root.ts';

const page = readFileSync(join(ROOT, 'docs/observe.md'), 'utf8');

test('the table of metrics has all of them, and no other', () => {
  const metrics = registry.getMetricsAsArray().map(({ name }) => name);
  assert.deepEqual(namesIn('## Metrics', '_', metrics), [...metrics].sort());
});

test('the table of events has all of them, and no other', () => {
  const source = readFileSync(join(ROOT, 'src/observe/events.ts'), 'utf8');
  const events = [...source.matchAll(/^ {2}'(iolite:[\w:]+)': \w+;$/gm)].map(([, name = '']) => name);
  assert(events.length > 10);
  assert.deepEqual(namesIn('## Events', ':', events), [...events].sort());
});

/**
 * What the first column of a section's table names, sorted. A name that begins with the separator shares the
 * beginning of the one before: as much of it as makes a name that there is.
 */
function namesIn(heading: string, separator: string, known: readonly string[]): string[] {
  const section = page.split(`\n${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const names: string[] = [];
  for (const [, cell = ''] of section.matchAll(/^\| (`[^|]*) \|/gm)) {
    let whole = '';
    for (const [, name = ''] of cell.matchAll(/`([^`]+)`/g)) {
      if (!name.startsWith(separator)) whole = name;
      names.push(name.startsWith(separator) ? completed(whole, name, separator, known) : name);
    }
  }
  return names.sort();
}

function completed(whole: string, end: string, separator: string, known: readonly string[]): string {
  const parts = whole.split(separator);
  const beginnings = parts.map((_, count) => parts.slice(0, count).join(separator)).reverse();
  return beginnings.map(beginning => beginning + end).find(name => known.includes(name)) ?? whole + end;
}
