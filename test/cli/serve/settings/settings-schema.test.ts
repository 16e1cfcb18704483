import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { faultsIn } from '../../../../src/cli/serve/settings/faults.ts';
import { SettingsSchema } from '../../../../src/cli/serve/settings/settings-schema.ts';
import { ROOT } from '../../../support/root.ts';

test('the JSON Schema for editors and the table of the docs are as the schema is: npm run settings', () => {
  const args = ['--import', 'tsx', 'scripts/settings.ts', '--check'];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

test('every setting says what it means, to editors and in the table', () => {
  const schema = readFileSync(join(ROOT, 'settings.schema.json'), 'utf8');
  const { properties } = JSON.parse(schema) as { properties: Record<string, { description?: string }> };
  for (const [name, { description }] of Object.entries(properties)) assert.ok(description, name);
  assert.doesNotMatch(readFileSync(join(ROOT, 'docs/settings.md'), 'utf8'), /\| +\|$/m);
});

test('all that is wrong is told, each with its place, and what may have been meant', () => {
  const faults = faultsIn(SettingsSchema, {
    prot: 80,
    root: '',
    site: { maxAgee: 1, zzz: 1 },
    rules: [
      { match: '/a/', maxAge: 1 },
      { match: '/b/', heders: {}, maxAge: '1 dya' },
      { match: '/c/', redirect: { to: '/d', status: 200 } },
    ],
    hosts: { 'a.test': { proxy: { trustForwardd: true } } },
  });
  assert.deepEqual(faults, [
    'root: a text that is not empty is wanted',
    'site.maxAgee: there is no such setting; did you mean maxAge?',
    'site.zzz: there is no such setting',
    `rules[1].maxAge: milliseconds or a text as '30 seconds' are wanted, "1 dya" was given`,
    'rules[1].heders: there is no such setting; did you mean headers?',
    'rules[2].redirect.status: (301 | 302 | 303 | 307 | 308) is wanted, 200 was given',
    'hosts.a.test.proxy.trustForwardd: there is no such setting; did you mean trustForwarded?',
    'prot: there is no such setting; did you mean port?',
  ]);
  for (const [settings, fault] of [
    [[], 'an object is wanted, a list was given'],
    [{ rules: {} }, 'rules: a list is wanted, an object was given'],
    [{ spa: true }, 'spa: there is no such setting; did you mean site.fallback?'],
    [
      { rules: [{ match: '/a', redirect: '/b', status: 301 }] },
      'rules[0].status: there is no such setting; did you mean redirect.status?',
    ],
    [
      { rules: [{ match: '/a', immutable: 'yes' }] },
      'rules[0].immutable: true or false is wanted, "yes" was given',
    ],
    [
      { origin: '127.0.0.1:3000' },
      'origin: a URL as http://127.0.0.1:3000 is wanted, "127.0.0.1:3000" was given',
    ],
  ] as const) {
    assert.deepEqual(faultsIn(SettingsSchema, settings), [fault]);
  }
  assert.deepEqual(
    faultsIn(SettingsSchema, { root: '.', rules: [{ match: ['/a', '/b/**'], maxAge: 0 }] }),
    [],
  );
});
