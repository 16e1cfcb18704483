import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../support/root.ts';
import { deadLinks, pagesOf } from './support/find-names.ts';
import { programsOf, unpackInto } from './support/packed-project.ts';

const run = promisify(execFile);
const project = await unpackInto(join(ROOT, 'dist'));
after(() => project.remove());

test("the README's example runs as it stands, by plain Node and the package as it is packed", async () => {
  const [example = ''] = programsOf(ROOT, 'README.md');
  const share = join(project.path, 'share.mjs');
  writeFileSync(share, example);
  const { stdout } = await run(process.execPath, [share], { timeout: 60_000 });
  assert.equal(stdout, '15000000 lines\n');
  assert(example.split('\n').length <= 17);
});

test('the programs of the first five minutes run as they stand', async () => {
  const programs = programsOf(ROOT, 'docs/first-five-minutes.md');
  assert(programs.length >= 3);
  mkdirSync(join(project.path, 'public'));
  writeFileSync(join(project.path, 'public', 'hello.txt'), 'hello\n');
  for (const [index, program] of programs.entries()) {
    const file = join(project.path, `program-${index}.mjs`);
    writeFileSync(file, program);
    await run(process.execPath, [file], { timeout: 60_000, cwd: project.path });
  }
});

test('the README is short', () => {
  assert(readFileSync(join(ROOT, 'README.md'), 'utf8').split('\n').length <= 150);
});

test('no link leads out of the package', () => {
  const pages = pagesOf(project.package);
  assert(pages.includes('docs/errors.md'));
  assert.deepEqual(
    pages.flatMap(page => deadLinks(project.package, page)),
    [],
  );
});
