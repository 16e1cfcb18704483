import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { PidFile } from '../../../../src/cli/serve/service/pid-file.ts';
import { UserError } from '../../../../src/cli/user-error.ts';
import { Folder } from '../../../support/folder.ts';
import { get, Iolite, Served } from '../../support/server.ts';

function site(): Folder {
  const folder = new Folder();
  writeFileSync(folder.file('index.html'), 'home');
  return folder;
}

test('it has the number of this process, for everybody to read, until its end', () => {
  using folder = new Folder();
  const path = folder.file('pid');
  const umask = process.umask(0o077);
  try {
    using _ = new PidFile(path);
    assert.equal(readFileSync(path, 'latin1'), `${process.pid}\n`);
    assert.equal(statSync(path).mode & 0o777, 0o644);
  } finally {
    process.umask(umask);
  }
  assert.deepEqual(readdirSync(folder.path), []);
});

test('one that is left over is replaced, whoever has its number now, or if it is empty', () => {
  using folder = new Folder();
  const path = folder.file('pid');
  for (const text of [`${process.ppid}\n`, '']) {
    writeFileSync(path, text);
    writeFileSync(`${path}.${process.pid}`, 'what was not finished');
    using _ = new PidFile(path);
    assert.equal(readFileSync(path, 'latin1'), `${process.pid}\n`);
    assert.deepEqual(readdirSync(folder.path), ['pid']);
  }
});

test('a file that has no number, a folder, and a dead link are left alone', () => {
  using folder = new Folder();
  const path = folder.file('notes.txt');
  writeFileSync(path, 'what matters');
  symlinkSync(folder.file('nothing'), folder.file('link'));
  const refused = (at: string, why: RegExp): void => {
    assert.throws(
      () => new PidFile(at),
      (error: Error) => error instanceof UserError && why.test(error.message),
    );
  };
  refused(path, /^Cannot write .*notes\.txt: a file is there that is none of a process$/);
  refused(folder.path, /^Cannot write .*: EISDIR/);
  refused(folder.file('none/pid'), /^Cannot write .*none\/pid: ENOENT/);
  refused(folder.file('link'), /^Cannot write .*link: /);
  assert.equal(readFileSync(path, 'latin1'), 'what matters');
  assert.deepEqual(readdirSync(folder.path).sort(), ['link', 'notes.txt']);
});

test('a second server is refused while the first one lives, and none is after SIGKILL', async () => {
  using folder = site();
  const path = folder.file('.pid');
  await using first = await Served.start(folder.path, ['-w', '1', '--pid-file', path]);
  assert.equal(readFileSync(path, 'latin1'), `${first.pid}\n`);
  await using second = new Iolite(['serve', folder.path, '-w', '1', '--port', '0', '--pid-file', path]);
  assert.equal((await second.ended()).code, 1);
  assert.equal(
    second.stderr,
    `iolite: Cannot write ${path}: the process that it names lives: ${first.pid}\n`,
  );
  assert.equal((await get(first.port, '/')).status, 200);
  first.process.kill('SIGKILL');
  await first.ended();
  assert.equal(readFileSync(path, 'latin1'), `${first.pid}\n`);
  writeFileSync(folder.file('config.json'), JSON.stringify({ root: '.', workers: 1, pidFile: '.pid' }));
  await using third = await Served.startWith(['--config', folder.file('config.json')]);
  assert.equal(readFileSync(path, 'latin1'), `${third.pid}\n`);
  third.process.kill('SIGTERM');
  assert.deepEqual(await third.ended(), { code: 0, signal: null });
  assert.equal(existsSync(path), false);
  assert.equal(third.stderr, '');
});

test('a file that is there in its place stays at the end; none is left where a start fails', async () => {
  using folder = site();
  const path = folder.file('.pid');
  await using served = await Served.start(folder.path, ['-w', '1', '--pid-file', path]);
  rmSync(path);
  writeFileSync(path, '1\n');
  await using failing = new Iolite([
    'serve',
    folder.path,
    '--port',
    `${served.port}`,
    '--pid-file',
    folder.file('.other'),
  ]);
  assert.equal((await failing.ended()).code, 1);
  assert.equal(existsSync(folder.file('.other')), false);
  served.process.kill('SIGTERM');
  assert.deepEqual(await served.ended(), { code: 0, signal: null });
  assert.equal(readFileSync(path, 'latin1'), '1\n');
});
