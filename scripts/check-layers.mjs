/**
 * Checks the imports of src/, of types as well as of code: only downward through the storeys, no circle of
 * files nor of the rooms of a folder, koffi in src/os alone, packages only if package.json names them. `node
 * scripts/check-layers.mjs [root]`
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findCircles, readImports, sourcesIn } from './imports.mjs';

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

const root = resolve(process.argv[2] ?? join(import.meta.dirname ?? '.', '..'));
const source = join(root, 'src');
const { dependencies = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const problems = new Set();
const imports = readImports(source);
const files = sourcesIn(source);

for (const file of files) {
  if (heightOf(file) === -1) problems.add(`src/${file}:1: ${storeyOf(file)} is no storey`);
}
for (const each of imports) checkImport(each);
for (const circle of findCircles(graphOf(imports, file => file))) {
  problems.add(`src/${[...circle, circle[0]].join(' imports src/')}: a circle of files`);
}
for (const folder of new Set(files.flatMap(foldersAbove))) checkRooms(folder);

if (problems.size > 0) {
  for (const problem of problems) console.error(problem);
  process.exit(1);
}
console.log(`${files.length} files, ${imports.length} imports: storeys hold, no circles`);

function checkImport({ file, line, specifier, target }) {
  const report = what => problems.add(`src/${file}:${line}: ${what}`);
  if (!specifier.startsWith('.')) {
    checkPackage(file, specifier, report);
    return;
  }
  if (target === undefined) {
    report(`${specifier} names no file`);
    return;
  }
  const [from, to] = [storeyOf(file), storeyOf(target)];
  if (from === to) return;
  if (heightOf(target) > heightOf(file)) report(`${target} lies in a higher storey`);
  else if (heightOf(target) === heightOf(file)) report(`${target} lies beside it in the same storey`);
}

function checkPackage(file, specifier, report) {
  if (specifier.startsWith('node:')) return;
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (!(name in dependencies)) report(`${name} is not among the dependencies in package.json`);
  if (name === 'koffi' && storeyOf(file) !== 'os') report('koffi is for src/os only');
}

/** Reports circles of what lies directly in a folder: its files, and its folders as wholes. */
function checkRooms(folder) {
  const inside = imports.filter(({ file, target }) => file.startsWith(folder) && target?.startsWith(folder));
  const roomOf = file => folder + file.slice(folder.length).split('/', 1)[0];
  for (const circle of findCircles(graphOf(inside, roomOf))) {
    const arrows = circle.map((room, position) => {
      const next = circle[(position + 1) % circle.length];
      const { file, line } = inside.find(each => roomOf(each.file) === room && roomOf(each.target) === next);
      return `src/${room} imports src/${next} (src/${file}:${line})`;
    });
    problems.add(`${arrows.join(', ')}: a circle of rooms`);
  }
}

/** Who imports whom, each file by a name of its own. */
function graphOf(imports, nameOf) {
  const graph = new Map();
  for (const { file, target } of imports) {
    if (target === undefined) continue;
    const [from, to] = [nameOf(file), nameOf(target)];
    if (from === to && file !== target) continue;
    if (!graph.has(from)) graph.set(from, new Set());
    graph.get(from).add(to);
  }
  return graph;
}

/** 'ipc/wire/frame.ts' lies below 'ipc/' and 'ipc/wire/'. */
function foldersAbove(file) {
  const parts = file.split('/').slice(0, -1);
  return parts.map((_, position) => `${parts.slice(0, position + 1).join('/')}/`);
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
