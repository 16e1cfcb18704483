import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { planOf } from '../../../src/cli/serve/serve-plan.ts';
import { UserError } from '../../../src/cli/user-error.ts';
import { certificate } from '../../support/certificate.ts';
import { Folder } from '../../support/folder.ts';

test('a plan has the real folder, the certificate itself, and a log that is there', async () => {
  using folder = new Folder();
  mkdirSync(folder.file('root'));
  symlinkSync('root', folder.file('link'));
  const { paths, cert, key } = certificate(folder);
  const log = { file: folder.file('log') };
  const { settings, app } = await planOf({ root: folder.file('link'), tls: paths, log });
  assert.equal(settings.root, folder.file('root'));
  assert.deepEqual(settings.tls, { cert: cert.toString(), key: key.toString() });
  assert.ok(existsSync(log.file));
  assert.equal(app, undefined);
  assert.deepEqual(await planOf({ log: { file: '-' }, confine: false }), {
    app: undefined,
    files: undefined,
    settings: { root: undefined, site: {}, limits: {}, tls: undefined, log: { file: '-' }, app: undefined },
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
