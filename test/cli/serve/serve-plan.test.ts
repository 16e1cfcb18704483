import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { planOf } from '../../../src/cli/serve/serve-plan.ts';
import { UserError } from '../../../src/cli/user-error.ts';
import { certificate } from '../../support/certificate.ts';
import { Folder } from '../../support/folder.ts';

test('a plan has the folder as it is named, the certificate itself, and a log that is there', async () => {
  using folder = new Folder();
  mkdirSync(folder.file('root'));
  symlinkSync('root', folder.file('link'));
  const { paths, cert } = certificate(folder);
  const log = { file: folder.file('log') };
  const drain = { time: 3_600_000 };
  const { settings, apps, roots } = await planOf({ root: folder.file('link'), tls: paths, log, drain });
  assert.equal(settings.drainTime, drain.time);
  assert.equal(settings.content.root, folder.file('link'));
  assert.deepEqual(roots, [folder.file('link')]);
  const [identity] = settings.tls?.identities ?? [];
  assert.equal(identity?.certificates[0].cert, cert.toString());
  assert.ok(existsSync(log.file));
  assert.deepEqual(apps, []);
  const { files, origins, settings: empty } = await planOf({ log: { file: '-' }, confine: false });
  assert.deepEqual(
    [files, origins, empty.hosts, empty.limits, empty.drainTime],
    [undefined, [], {}, {}, 10_000],
  );
});

test('what several places name is there once, and all that is wrong is said with its place', async () => {
  using folder = new Folder();
  mkdirSync(folder.file('root'));
  writeFileSync(folder.file('app.js'), '');
  const app = { module: folder.file('app.js') };
  const origin = 'http://127.0.0.1:1';
  const rules = [
    { match: '/a/', origin },
    { match: '/b/', origin },
    { match: '/c/', app },
    { match: '/d/', app },
  ];
  const hosts = { 'a.test': { app }, 'b.test': { app } };
  const plan = await planOf({ root: folder.file('root'), rules, hosts });
  assert.deepEqual(plan.origins, [{ origin }]);
  // One that sees the files of the site, and one that sees none.
  assert.deepEqual(
    plan.apps.map(({ options, view }) => [options, view?.root]),
    [
      [app, folder.file('root')],
      [app, undefined],
    ],
  );
  assert.equal(plan.settings.content.rules?.[1]?.origin, 0);
  assert.deepEqual(
    plan.settings.content.rules?.slice(2).map(rule => rule.app),
    [0, 0],
  );
  assert.deepEqual([plan.settings.hosts['a.test']?.app, plan.settings.hosts['b.test']?.app], [1, 1]);
  const wrong = planOf({
    root: folder.file('root'),
    site: { errorPages: { 404: '404.html' } },
    rules: [
      { match: '/a/', root: folder.file('none') },
      { match: '/b/', origin: 'http://127.0.0.1/path' },
    ],
    hosts: { 'a.test': { root: folder.file('root'), site: { fallback: 'index.html' } } },
    log: { file: folder.file('none/log') },
  });
  await assert.rejects(wrong, error => {
    assert.ok(error instanceof UserError);
    const places = error.faults.map(each => each.replace(/ .*/, ''));
    const expected = [
      'site.errorPages.404:',
      'rules[0]:',
      'rules[1]:',
      'hosts.a.test.site.fallback:',
      'Cannot',
    ];
    assert.deepEqual([...places].sort(), [...expected].sort());
    return true;
  });
});

test('what cannot be used is refused with the reason', async () => {
  using folder = new Folder();
  const { paths } = certificate(folder);
  using other = new Folder();
  const { paths: others } = certificate(other);
  writeFileSync(folder.file('file'), 'no certificate');
  const none = folder.file('none');
  for (const [config, message] of [
    [{ root: none }, /^Cannot serve .*none: there is no such directory$/],
    [{ root: folder.file('file') }, /^Cannot serve .*file: it is not a directory$/],
    [{ app: { module: none } }, /^Cannot run application .*none: there is no such file$/],
    [{ log: { file: folder.file('none/log') } }, /^Cannot log to .*none\/log: ENOENT/],
    [{ tls: { ...paths, cert: none } }, /^Cannot read the certificate: ENOENT/],
    [{ tls: { ...paths, key: none } }, /^Cannot read the key: ENOENT/],
    [{ tls: { cert: paths.cert, key: others.key } }, /^Cannot use the certificate .* with the key .*: /],
    [{ tls: { cert: folder.file('file'), key: paths.key } }, /^Cannot use the certificate /],
  ] as const) {
    await assert.rejects(planOf(config), error => error instanceof UserError && message.test(error.message));
  }
});
