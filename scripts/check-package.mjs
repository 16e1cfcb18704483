/**
 * Checks what users get: packs the project, installs the package in an empty folder, loads each of its
 * entries, compiles a program against their types, and runs the command. Needs the registry, for the
 * dependencies.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { build } from './build.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
/** Entries whose types need optional peers. All others are compiled without them. */
const PEERS_OF = { './cluster': ['@nats-io/transport-node', '@nats-io/jetstream', '@nats-io/kv'] };

function run(command, args, cwd) {
  const { status, stdout, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status === 0) return stdout;
  console.error(stdout);
  throw new Error(`${command} ${args.join(' ')} failed`, { cause: error });
}

/** Installs packages, of which no script is run. */
function install(packages, folder) {
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  run('npm', ['install', ...options, ...packages], folder);
}

/** A package at the version that is tested here. */
function own(name) {
  return `${name}@${manifest.devDependencies[name]}`;
}

function compile(file, program, folder) {
  writeFileSync(join(folder, file), program);
  const libraries = ['--lib', 'es2023,esnext.disposable,dom,dom.iterable', '--types', 'node'];
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2022', ...libraries];
  run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), ...options, file], folder);
}

await build();
const { messages } = await publint({ pkgDir: ROOT, strict: true });
for (const message of messages) console.error(formatMessage(message, manifest));
if (messages.length > 0) process.exit(1);

const folder = mkdtempSync(join(tmpdir(), 'iolite-package-'));
try {
  const [{ filename }] = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], ROOT),
  );
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  install([`./${filename}`, own('@types/node')], folder);

  const entries = Object.keys(manifest.exports)
    .filter(entry => !entry.endsWith('.json') && PEERS_OF[entry] === undefined)
    .map(entry => entry.replace('.', manifest.name));
  const imports = entries.map((entry, i) => `import * as entry${i} from '${entry}';`);
  /** Those that the first one exports again. */
  const parts = ['ipc', 'file', 'network', 'http'].map(
    part => `entry${entries.indexOf(`${manifest.name}/${part}`)}`,
  );
  const program = `${imports.join('\n')}
import { createPool, type Aggregate } from '${manifest.name}';
console.log(${entries.map((_, i) => `Object.keys(entry${i}).length > 0`).join(', ')});
// What two entries have is one thing, and classes are called after bundling what they were called before.
const all = entry0 as Record<string, unknown>;
for (const entry of [${parts.join(', ')}] as Record<string, unknown>[]) {
  for (const [name, value] of Object.entries(entry)) {
    if (all[name] !== value) console.log('false: there are two of', name);
  }
}
for (const entry of [${entries.map((_, i) => `entry${i}`).join(', ')}] as Record<string, unknown>[]) {
  for (const [name, value] of Object.entries(entry)) {
    const isMisnamed = /^[A-Z][a-z]/.test(name) && (value as { name?: string }).name !== name;
    if (isMisnamed) console.log('false:', name, 'is called otherwise');
  }
}
using pool = createPool({ name: 'check' });
using text: Aggregate = pool.from('one copy');
console.log(text.toString());
`;
  compile('program.ts', program, folder);
  const printed = run(process.execPath, ['program.js'], folder);
  if (printed.includes('false') || !printed.includes('one copy')) {
    throw new Error(`An entry of the package is empty: ${printed}`);
  }
  for (const [entry, peers] of Object.entries(PEERS_OF)) {
    install(peers.map(own), folder);
    const name = entry.replace('.', manifest.name);
    compile('peers.ts', `import * as entry from '${name}';\nconsole.log(Object.keys(entry).length);`, folder);
    if (!(Number(run(process.execPath, ['peers.js'], folder)) > 0)) throw new Error(`${name} is empty`);
  }
  const version = run('npx', ['--no-install', 'iolite', '--version'], folder).trim();
  if (version !== manifest.version) throw new Error(`iolite --version says ${version}`);
  const count = entries.length + Object.keys(PEERS_OF).length;
  console.log(`${filename}: ${count} entries, their types and the command work`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
