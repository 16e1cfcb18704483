import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Installation, type Outcome, pack, run } from './support/installation.ts';
import { ASKS_WHERE, hasShared, SHARES } from './support/programs.ts';

const packed = new Installation();
let tarball = '';
after(() => packed[Symbol.dispose]());
before(async () => {
  tarball = pack(packed.folder);
  await packed.install(['pnpm@12']);
});

function shared({ code, stdout, stderr }: Outcome): void {
  assert.equal(code, 0, stderr);
  assert(hasShared(stdout), stdout);
}

test('npm: without optional packages a warning names what is missing', async context => {
  using project = new Installation();
  await project.install([tarball], ['--omit=optional']);
  if (project.unreachable !== undefined) return context.skip(project.unreachable);
  project.write('asks.mjs', ASKS_WHERE);
  const { code, stdout, stderr } = await project.node(['asks.mjs']);
  assert.equal(code, 0, stderr);
  const { text, warnings, refused } = JSON.parse(stdout);
  assert.equal(text, 'text');
  assert.match(warnings.join(), /koffi's binary is missing; install optional packages \(@koromix\//);
  assert.match(refused, /^ERR_IOLITE_UNSUPPORTED .*koffi's binary is missing/);
});

for (const [what, settings] of [
  ['as the page on installing says', 'allowBuilds:\n  koffi: false\n'],
  ['without a word about its scripts', ''],
] as const) {
  test(`pnpm: installed ${what}, memory is shared`, async context => {
    using project = new Installation({ type: 'module', dependencies: { iolite: `file:${tarball}` } });
    if (packed.unreachable !== undefined) return context.skip(packed.unreachable);
    if (settings !== '') project.write('pnpm-workspace.yaml', settings);
    const pnpm = packed.file('node_modules/pnpm/bin/pnpm.mjs');
    const installed = await run(process.execPath, [pnpm, 'install'], { cwd: project.folder });
    const said = installed.stdout + installed.stderr;
    // It ends with an error where nobody has said whether scripts may run, though all is installed then.
    if (settings !== '') assert.equal(installed.code, 0, said);
    else assert(installed.code === 0 || said.includes('ERR_PNPM_IGNORED_BUILDS'), said);
    project.write('shares.mjs', SHARES);
    shared(await project.node(['shares.mjs']));
  });
}
