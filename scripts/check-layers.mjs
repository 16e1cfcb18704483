/**
 * Checks the imports of src/, of types as well as of code: only downward through the storeys, no circle of
 * files nor of the rooms of a folder, koffi in src/os alone, packages only if package.json names them.
 * `node scripts/check-layers.mjs [root]`
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { circlesIn } from './circles.mjs';
import { readImports, sourcesIn } from './imports.mjs';

/** From the ground up. Folders of one storey do not import each other. */
const STOREYS = [
  ['base'],
  ['observe'],
  ['os'],
  ['memory'],
  ['aggregate'],
  ['ipc', 'network', 'bl'],
  ['store'],
  ['file'],
  ['http'],
  ['cli'],
];
/** Entry points beside the storeys, and the highest storey that each may import. */
const ENTRIES = { 'index.ts': 'http', fastify: 'http' };

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));
const source = join(root, 'src');
const { dependencies = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const imports = readImports(source);
const files = sourcesIn(source);
const problems = [...files.flatMap(strayFile), ...imports.flatMap(wrongImport), ...circlesIn(source)];

for (const problem of new Set(problems.map(({ file, line, what }) => `src/${file}:${line}: ${what}`))) {
  console.error(problem);
}
if (problems.length > 0) process.exit(1);
console.log(`${files.length} files, ${imports.length} imports: storeys hold, no circles`);

function strayFile(file) {
  return heightOf(file) === -1 ? [{ file, line: 1, what: `${storeyOf(file)} is no storey` }] : [];
}

function wrongImport({ file, line, specifier, target }) {
  const found = specifier.startsWith('.') ? wrongWay(file, specifier, target) : wrongPackage(file, specifier);
  return found === undefined ? [] : [{ file, line, what: found }];
}

function wrongWay(file, specifier, target) {
  if (target === undefined) return `${specifier} names no file`;
  if (storeyOf(file) === storeyOf(target) || heightOf(target) < heightOf(file)) return undefined;
  if (heightOf(target) > heightOf(file)) return `${target} lies in a higher storey`;
  return `${target} lies beside it in the same storey`;
}

function wrongPackage(file, specifier) {
  if (specifier.startsWith('node:')) return undefined;
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (!(name in dependencies)) return `${name} is not among the dependencies in package.json`;
  if (name === 'koffi' && storeyOf(file) !== 'os') return 'koffi is for src/os only';
  return undefined;
}

function storeyOf(file) {
  return file.split('/')[0];
}

function heightOf(file) {
  const storey = storeyOf(file);
  const height = STOREYS.findIndex(folders => folders.includes(ENTRIES[storey] ?? storey));
  // An entry point lies above all that it may import.
  return storey in ENTRIES ? height + 0.5 : height;
}
