import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import ts from 'typescript';

/**
 * Tests mirror the rooms. What lies in test/ is a test, or help for tests in a folder `support` or
 * `children`. A test in test/a/b/ is of the room src/a/b/, or of the root's folder a/b/. It is named after a
 * source there, which it loads, or after the room, whose sources it tests together; an aspect may follow
 * behind a hyphen: `heap.test.ts`, `channel-hostile.test.ts`, `docs-names.test.ts`. Those of test/field try
 * the package as its users meet it: they are of no room.
 */
export function misplacedTests(project) {
  const loads = new Loads(project);
  return project.code('test').flatMap(path => {
    const what = isHelp(path) ? undefined : faultOf(path, project, loads);
    return what === undefined ? [] : [{ path, line: 1, what }];
  });
}

/**
 * Each source of src/ is loaded by a test of its own room, directly or through what that loads: its imports,
 * and the programs that it names by a path (one of dist/ stands for its source). A source without code that
 * runs, of types or of what others export alone, needs no test.
 */
export function untestedSources(project) {
  const loads = new Loads(project);
  const loaded = new Map();
  return project.code('src').flatMap(path => {
    const folder = path.replace(/^src/, 'test').replace(/\/[^/]*$/, '');
    if (!loaded.has(folder)) loaded.set(folder, loads.from(testsIn(folder, project)));
    if (loaded.get(folder).has(path) || !hasCode(project.tree(path))) return [];
    return [{ path, line: 1, what: `no test in ${folder}/ loads it` }];
  });
}

function isTest(path) {
  return path.endsWith('.test.ts');
}

function isHelp(path) {
  return !isTest(path) && /\/(support|children)\//.test(path);
}

function testsIn(folder, project) {
  return project.code('test').filter(path => dirname(path) === folder && isTest(path));
}

function faultOf(path, project, loads) {
  if (!isTest(path)) return 'it is no test, and lies in no folder support or children';
  if (path.startsWith('test/field/')) return undefined;
  const room = roomOf(dirname(path), project.root);
  if (room === undefined)
    return `there is no folder ${dirname(path).replace(/^test/, 'src')} that it could test`;
  const name = basename(path, '.test.ts');
  const named = subject => name === subject || name.startsWith(`${subject}-`);
  if (named(basename(room))) return undefined;
  const sources = project
    .list(room)
    .filter(each => dirname(each) === room && named(basename(each).replace(/\.[^.]*$/, '')));
  if (sources.length === 0) return `its name begins with that of no source in ${room}/, nor with the room's`;
  const loaded = loads.from([path]);
  // What is no code, as a page of docs/, cannot be loaded.
  if (sources.some(each => loaded.has(each) || !project.files.includes(each))) return undefined;
  return `it is named after ${sources[0]}, and does not load it`;
}

/** The folder that tests of a folder mirror. */
function roomOf(folder, root) {
  const [, ...parts] = folder.split('/');
  return [join('src', ...parts), join(...parts, '.')].find(
    room => room !== '.' && existsSync(join(root, room)),
  );
}

function hasCode(tree) {
  return !tree.statements.every(
    each =>
      ts.isImportDeclaration(each) ||
      ts.isInterfaceDeclaration(each) ||
      ts.isTypeAliasDeclaration(each) ||
      (ts.isExportDeclaration(each) && each.moduleSpecifier !== undefined),
  );
}

/** Which code loads which: each file, those that a relative path in it names. */
class Loads {
  #project;
  #known;
  #named = new Map();

  constructor(project) {
    this.#project = project;
    this.#known = new Set(project.files);
  }

  /** All that some files load, themselves included. */
  from(files) {
    const loaded = new Set(files);
    for (const file of loaded) for (const next of this.#namedBy(file)) loaded.add(next);
    return loaded;
  }

  #namedBy(file) {
    const known = this.#named.get(file);
    if (known !== undefined) return known;
    const named = new Set();
    const visit = node => {
      if (ts.isStringLiteralLike(node) && /^\.\.?\//.test(node.text)) {
        const path = join(dirname(file), node.text).replace(/^dist\/(.*)\.js$/, 'src/$1.ts');
        if (this.#known.has(path)) named.add(path);
      }
      ts.forEachChild(node, visit);
    };
    visit(this.#project.tree(file));
    this.#named.set(file, named);
    return named;
  }
}
