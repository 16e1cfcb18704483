import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
  ['cache'],
  ['http'],
  ['cluster'],
  ['cli'],
];
/** What runs in browsers. */
const BROWSER_FOLDER = 'cli/serve/inspect/page/';
/** Entry points beside the storeys, and the highest storey that each may import. */
const ENTRIES = { 'index.ts': 'http', express: 'http', fastify: 'http', hono: 'http', koa: 'http' };

/**
 * What is wrong with the imports of src/ in a project: they go only downward through the storeys and in no
 * circle, of files nor of the rooms of a folder; koffi is for src/os alone, and packages are those that
 * package.json names.
 * @param {string} root
 * @returns {string[]} as `path:line: what`
 */
export function layerBreachesIn(root) {
  const source = join(root, 'src');
  const {
    dependencies: own = {},
    peerDependencies = {},
    devDependencies = {},
  } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const dependencies = { ...own, ...peerDependencies };
  const breaches = [
    ...sourcesIn(source).flatMap(strayFile),
    ...readImports(source).flatMap(each =>
      // What a browser runs is bundled with all that it needs.
      wrongImport(each, each.file.startsWith(BROWSER_FOLDER) ? devDependencies : dependencies),
    ),
    ...circlesIn(source),
  ];
  return [...new Set(breaches.map(({ file, line, what }) => `src/${file}:${line}: ${what}`))];
}

function strayFile(file) {
  return heightOf(file) === -1 ? [{ file, line: 1, what: `${storeyOf(file)} is no storey` }] : [];
}

function wrongImport({ file, line, specifier, target }, dependencies) {
  const isPath = specifier.startsWith('.');
  const what = isPath ? wrongWay(file, specifier, target) : wrongPackage(file, specifier, dependencies);
  return what === undefined ? [] : [{ file, line, what }];
}

function wrongWay(file, specifier, target) {
  if (target === undefined) return `${specifier} names no file`;
  if (storeyOf(file) === storeyOf(target) || heightOf(target) < heightOf(file)) return undefined;
  if (heightOf(target) > heightOf(file)) return `${target} lies in a higher storey`;
  return `${target} lies beside it in the same storey`;
}

function wrongPackage(file, specifier, dependencies) {
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
