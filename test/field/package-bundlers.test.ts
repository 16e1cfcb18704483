import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { build, type Format } from 'esbuild';
import { Installation, pack } from './support/installation.ts';
import { ASKS_WHERE, hasShared, SHARES, SHARES_REQUIRED } from './support/programs.ts';

const project = new Installation();
const tracer = new Installation();
after(() => {
  project[Symbol.dispose]();
  tracer[Symbol.dispose]();
});

const CONFINES = `
import { fork } from 'iolite';
const files = { read: ['/'], write: [] };
fork(process.argv[1], [], { files }).catch(({ code, message }) => console.log(code, message));
`;

before(async () => {
  await project.install([pack(project.folder)]);
  await tracer.install(['@vercel/nft@1.11.5', 'webpack@5.113.0']);
  project.write('shares.mjs', SHARES);
  project.write('shares.cjs', SHARES_REQUIRED);
  project.write('asks.mjs', ASKS_WHERE);
  project.write('confines.mjs', CONFINES);
});

/** Bundles a program. @returns the name of the bundle */
async function bundled(program: string, format: Format, external: readonly string[]): Promise<string> {
  const name = `${program}.${external.join('-')}.${format === 'cjs' ? 'cjs' : 'mjs'}`;
  await build({
    absWorkingDir: project.folder,
    entryPoints: [`${program}.mjs`],
    outfile: name,
    bundle: true,
    platform: 'node',
    format,
    external: [...external],
    logLevel: 'silent',
  });
  return name;
}

for (const format of ['cjs', 'esm'] as const) {
  for (const external of ['iolite', 'koffi']) {
    test(`a bundle by esbuild (${format}) without ${external} shares memory`, async context => {
      if (project.unreachable !== undefined) return context.skip(project.unreachable);
      const { code, stdout, stderr } = await project.node([await bundled('shares', format, [external])]);
      assert.equal(code, 0, stderr);
      assert(hasShared(stdout), stdout);
    });
  }
}

test('a bundle that has lost koffi, or its binary, says so', async context => {
  if (project.unreachable !== undefined) return context.skip(project.unreachable);
  using elsewhere = new Installation();
  for (const [format, external, why] of [
    ['cjs', ['koffi'], /koffi is not installed where this module looks for it/],
    ['esm', ['koffi'], /koffi is not installed where this module looks for it/],
    ['cjs', [], /koffi's binary is missing; install optional packages/],
  ] as const) {
    const name = await bundled('asks', format, external);
    cpSync(project.file(name), elsewhere.file(name));
    const { code, stdout, stderr } = await elsewhere.node([name]);
    assert.equal(code, 0, stderr);
    const { text, warnings, refused } = JSON.parse(stdout);
    assert.equal(text, 'text');
    assert.equal(warnings.length, 1, stderr);
    assert.match(warnings[0], why);
    assert.match(refused, why);
  }
});

test('what needs a program of the package says that a bundle has none', async context => {
  if (project.unreachable !== undefined) return context.skip(project.unreachable);
  for (const format of ['cjs', 'esm'] as const) {
    const { stdout } = await project.node([await bundled('confines', format, ['koffi'])]);
    assert.match(stdout, /^ERR_IOLITE_UNSUPPORTED Cannot confine a child: .* is not there/);
  }
});

test('what @vercel/nft traces runs where only that is', async context => {
  const unreachable = project.unreachable ?? tracer.unreachable;
  if (unreachable !== undefined) return context.skip(unreachable);
  using elsewhere = new Installation();
  for (const program of ['shares.mjs', 'shares.cjs']) {
    const traced = tracer.write(
      'trace.mjs',
      `import { nodeFileTrace } from '@vercel/nft';
       const { fileList } = await nodeFileTrace([process.argv[2]], { base: process.cwd() });
       console.log(JSON.stringify([...fileList]));`,
    );
    const trace = await project.node([traced, program]);
    assert.equal(trace.code, 0, trace.stderr);
    for (const file of JSON.parse(trace.stdout)) {
      mkdirSync(dirname(elsewhere.file(file)), { recursive: true });
      cpSync(project.file(file), elsewhere.file(file));
    }
    // Node.js 20.19 and newer alone can require() an ES module, as all do that this is tried with.
    const { code, stdout, stderr } = await elsewhere.node([program]);
    assert.equal(code, 0, stderr);
    assert(hasShared(stdout), stdout);
  }
});

test('a bundle by webpack that keeps iolite out shares memory', async context => {
  const unreachable = project.unreachable ?? tracer.unreachable;
  if (unreachable !== undefined) return context.skip(unreachable);
  const script = tracer.write(
    'webpack.mjs',
    `import webpack from 'webpack';
     const [, , context, filename] = process.argv;
     const externals = { iolite: 'commonjs iolite' };
     const output = { path: context, filename };
     webpack({ context, externals, output, mode: 'production', target: 'node20', entry: './shares.mjs' },
       (error, stats) => {
         if (error || stats.hasErrors()) throw error ?? new Error(stats.toString());
       });`,
  );
  const packed = await project.node([script, project.folder, 'webpack.cjs']);
  assert.equal(packed.code, 0, packed.stderr);
  const { code, stdout, stderr } = await project.node([join(project.folder, 'webpack.cjs')]);
  assert.equal(code, 0, stderr);
  assert(hasShared(stdout), stdout);
});
