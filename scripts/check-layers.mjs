/**
 * Checks the imports of src/: only downward through the layers, no cycles, koffi in src/os alone, packages only
 * if package.json names them. `node scripts/check-layers.mjs [root]`
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

/** From the bottom up. */
const LAYERS = ['os', 'memory', 'aggregate', 'bl', 'ipc', 'file', 'network', 'http', 'observe', 'cli'];
/** Entry points beside the layers, and the highest layer each may import. */
const ENTRIES = { 'index.ts': 'observe', fastify: 'http' };

const root = resolve(process.argv[2] ?? join(import.meta.dirname ?? '.', '..'));
const source = join(root, 'src');
const { dependencies = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const problems = [];
/** File to the files whose code it needs to run: type-only imports are gone by then. */
const runtimeImports = new Map();
/** Files whose imports were followed to their ends. */
const withoutCycle = new Set();
let count = 0;

const files = readdirSync(source, { recursive: true }).filter(file => file.endsWith('.ts'));
for (const file of files) checkFile(join(source, file));
for (const file of runtimeImports.keys()) findCycle(file, []);

if (problems.length > 0) {
  for (const problem of new Set(problems)) console.error(problem);
  process.exit(1);
}
console.log(`${files.length} files, ${count} imports: layers hold`);

function checkFile(file) {
  const text = readFileSync(file, 'utf8');
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const imports = [];
  const visit = node => {
    const { moduleSpecifier } = node;
    const isDynamic = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
    const specifier = isDynamic ? node.arguments[0] : moduleSpecifier;
    if (specifier !== undefined && ts.isStringLiteral(specifier)) {
      count += 1;
      const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
      const report = what => problems.push(`${relative(root, file)}:${line + 1}: ${what}`);
      const target = checkImport(file, specifier.text, report);
      if (target !== undefined && !isTypeOnly(node)) imports.push(target);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  runtimeImports.set(file, imports);
}

function isTypeOnly(node) {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  if (!ts.isImportDeclaration(node) || node.importClause === undefined) return false;
  const { isTypeOnly, name, namedBindings } = node.importClause;
  if (isTypeOnly) return true;
  return (
    name === undefined &&
    namedBindings !== undefined &&
    ts.isNamedImports(namedBindings) &&
    namedBindings.elements.every(element => element.isTypeOnly)
  );
}

/** @returns the file imported, if it is one of ours */
function checkImport(file, specifier, report) {
  if (!specifier.startsWith('.')) {
    checkPackage(file, specifier, report);
    return undefined;
  }
  const target = resolve(dirname(file), specifier);
  if (!specifier.endsWith('.ts') || !existsSync(target)) {
    report(`${specifier} names no file`);
    return undefined;
  }
  const [from, to] = [heightOf(file), heightOf(target)];
  if (to > from) report(`${relative(source, target)} lies in a higher layer`);
  return target;
}

function checkPackage(file, specifier, report) {
  if (specifier.startsWith('node:')) return;
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (!(name in dependencies)) report(`${name} is not among the dependencies in package.json`);
  if (name === 'koffi' && layerOf(file) !== 'os') report('koffi is for src/os only');
}

function layerOf(file) {
  return relative(source, file).split('/')[0];
}

function heightOf(file) {
  const layer = layerOf(file);
  const height = LAYERS.indexOf(ENTRIES[layer] ?? layer);
  if (height === -1) problems.push(`${relative(root, file)}:1: ${layer} is no layer`);
  // An entry point lies above all that it may import.
  return layer in ENTRIES ? height + 0.5 : height;
}

/** Reports the cycle that leads back to a file on the path to it. */
function findCycle(file, path) {
  const seen = path.indexOf(file);
  if (seen !== -1) {
    const cycle = path.slice(seen).map(each => relative(source, each));
    const first = cycle.indexOf([...cycle].sort()[0]);
    problems.push(
      `src/${[...cycle.slice(first), ...cycle.slice(0, first + 1)].join(' imports src/')}: a cycle`,
    );
    return;
  }
  if (withoutCycle.has(file)) return;
  for (const target of runtimeImports.get(file) ?? []) findCycle(target, [...path, file]);
  withoutCycle.add(file);
}
