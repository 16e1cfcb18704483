import assert from 'node:assert/strict';
import { rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { now } from '../../../src/base/clock.ts';
import { FormLooks } from '../../../src/file/content/form-looks.ts';
import { SETTLE_MS } from '../../../src/file/version/file-version.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

const HOUR_MS = 3_600_000;
/** More looks at single files than come before a listing. */
const MANY = 200;

function files(folder: Folder, count: number): string[] {
  return Array.from({ length: count }, (_, number) => {
    const path = folder.file(`${number}.html`);
    writeFileSync(path, 'content');
    return path;
  });
}

test('what is listed is told of all files of a directory until the time is over for which it counts', () => {
  using folder = new Folder();
  let maxStale = HOUR_MS;
  const looks = new FormLooks(() => maxStale);
  const paths = files(folder, MANY);
  const times = paths.map(path => looks.absentSince(path));
  assert.ok(times.every(time => time !== undefined && time <= now()));
  // Of the last ones it is known since one moment, when their directory was listed.
  assert.equal(times.at(-1), times.at(-100));
  assert.ok((times.at(-1) as number) > (times[0] as number));
  const [first = '', second = ''] = paths;
  writeFileSync(`${first}.br`, 'form');
  assert.equal(looks.absentSince(first), times.at(-1));
  maxStale = 0;
  assert.equal(looks.absentSince(first), undefined);
  assert.ok(looks.absentSince(second) !== undefined);
});

test('with no time for which it counts each change is seen at once, however often', () => {
  using folder = new Folder();
  const looks = new FormLooks(() => 0);
  const paths = files(folder, 20);
  for (let round = 0; round < 5; round++) {
    for (const [number, path] of paths.entries()) {
      for (let again = 0; again < 20; again++) assert.ok(looks.absentSince(path) !== undefined);
      writeFileSync(`${path}.gz`, 'form');
      assert.equal(looks.absentSince(path), undefined, `form of ${number} in round ${round}`);
      rmSync(`${path}.gz`);
      assert.ok(looks.absentSince(path) !== undefined);
    }
  }
});

test('a directory that has come to rest is not listed again until it changes', async () => {
  using folder = new Folder();
  const looks = new FormLooks(() => 0);
  const [path = ''] = files(folder, 20);
  await watchdog(
    (async () => {
      while (Date.now() - statSync(folder.path).ctimeMs < 2 * SETTLE_MS) await setImmediate();
    })(),
    'a directory that has come to rest',
  );
  for (let look = 0; look < MANY; look++) assert.ok(looks.absentSince(path) !== undefined);
  writeFileSync(`${path}.br`, 'form');
  // Nobody can set back when that was.
  utimesSync(folder.path, 1, 1);
  assert.equal(looks.absentSince(path), undefined);
});

test('forms that are there are told of, and of files in other directories, too', () => {
  using folder = new Folder();
  using other = new Folder();
  const looks = new FormLooks(() => HOUR_MS);
  const paths = [...files(folder, 20), ...files(other, 20)];
  const formed = paths.filter((_, number) => number % 5 === 0);
  for (const path of formed) writeFileSync(`${path}.zst`, 'form');
  for (let round = 0; round < 10; round++) {
    for (const path of paths)
      assert.equal(looks.absentSince(path) === undefined, formed.includes(path), path);
  }
});

test('a directory with very many names is looked at file by file', () => {
  using folder = new Folder();
  const looks = new FormLooks(() => HOUR_MS);
  const [path = ''] = files(folder, 6000);
  const times = new Set(Array.from({ length: MANY }, () => looks.absentSince(path)));
  assert.equal(times.size, MANY);
  writeFileSync(`${path}.gz`, 'form');
  assert.equal(looks.absentSince(path), undefined);
});
