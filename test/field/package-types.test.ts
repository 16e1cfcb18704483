import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT } from '../support/root.ts';
import { Installation, type Outcome, ownVersion, pack } from './support/installation.ts';

/** The oldest that the types are for, and those that differ in what they make of Buffer. */
const COMPILERS = ['5.4', '5.6', '5.9', '6.0'];

const project = new Installation();
after(() => project[Symbol.dispose]());
before(async () => {
  const compilers = COMPILERS.map(version => `typescript-${version}@npm:typescript@${version}`);
  const nats = ['@nats-io/transport-node', '@nats-io/jetstream', '@nats-io/kv'];
  const types = ['@types/node', '@types/express', '@types/koa', 'hono', 'fastify', ...nats].map(ownVersion);
  await project.install([pack(project.folder), ...compilers, ...types]);
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const entries = Object.keys(exports).filter(entry => !entry.endsWith('.json'));
  project.write('program.ts', programOf(entries));
  project.write('without-nats.ts', programOf(entries.filter(entry => entry !== './cluster')));
  const withoutPeers = entries.filter(entry => !/cluster|express|fastify|hono|koa/.test(entry));
  project.write('without-peers.ts', programOf(withoutPeers));
  project.write(
    'required.cts',
    `import iolite = require('iolite');
     export const pool = iolite.createPool({ name: 'types' });`,
  );
});

/** What imports entries of the package, and uses one. */
function programOf(entries: readonly string[]): string {
  const imports = entries.map((entry, i) => `import * as entry${i} from '${entry.replace('.', 'iolite')}';`);
  return `${imports.join('\n')}
     import { createPool, type Aggregate } from 'iolite';
     const text: Aggregate = createPool({ name: 'types' }).from('one copy');
     export const length: number = text.length;
     // @ts-expect-error
     export const wrong: string = text.length;
     export const all = [${imports.map((_, i) => `entry${i}`).join(', ')}];`;
}

function compile(version: string, file: string, modules = ['--module', 'nodenext']): Promise<Outcome> {
  const options = ['--strict', '--skipLibCheck', 'false', ...modules, '--target', 'es2022'];
  const libraries = ['--lib', 'es2023,esnext.disposable', '--types', 'node', '--noEmit'];
  return project.node([`node_modules/typescript-${version}/bin/tsc`, ...options, ...libraries, file]);
}

for (const version of COMPILERS) {
  test(`TypeScript ${version} checks all types of the package`, async context => {
    if (project.unreachable !== undefined) return context.skip(project.unreachable);
    // The types of NATS' client, which iolite/cluster names, are for newer ones.
    const program = version < '5.9' ? 'without-nats.ts' : 'program.ts';
    const { code, stdout } = await compile(version, program);
    assert.equal(code, 0, stdout);
  });
}

test('TypeScript 5.9 takes require() of it, older ones say what to do', async context => {
  if (project.unreachable !== undefined) return context.skip(project.unreachable);
  assert.equal((await compile('5.9', 'required.cts')).stdout, '');
  const { code, stdout } = await compile('5.6', 'required.cts');
  assert.notEqual(code, 0);
  assert.match(stdout, /TS1471: .*Use an ECMAScript import instead/);
});

test('entries are found by compilers that do not look at exports of packages', async context => {
  if (project.unreachable !== undefined) return context.skip(project.unreachable);
  const modules = ['--module', 'commonjs', '--moduleResolution', 'node10'];
  const { code, stdout } = await compile('5.9', 'without-peers.ts', modules);
  assert.equal(code, 0, stdout);
});
