import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';

/** Where a page names something, and what it says of it: `path:line: what`. */
export type Breach = string;

const FENCE = /^```[^\n]*\n(.*?)^```$/gms;
const SPAN = /`([^`]+)`/g;
const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
/** Folders at the root that pages name paths in. */
const ROOTS = ['src', 'docs', 'test', 'scripts', 'bench', 'examples', '.ci'];

/** All pages, relative to the root. */
export function pagesOf(root: string): string[] {
  const atRoot = readdirSync(root).filter(name => name.endsWith('.md'));
  const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  return [...atRoot, ...inDocs.filter(name => name.endsWith('.md')).map(name => join('docs', name))].sort();
}

/**
 * What a page names that is not there: relative links, with the headings that they lead to; and paths set in
 * code, from the root (`src/base/error.ts`, `docs/`) or below src/ (`base/error.ts`, `http/message`).
 */
export function missingPaths(root: string, page: string): Breach[] {
  const text = proseOf(readFileSync(join(root, page), 'utf8'));
  const paths = [...text.matchAll(SPAN)]
    .filter(([, span = '']) => pathOf(root, span) !== undefined && !isThere(root, pathOf(root, span)))
    .map(({ 1: span, index }) => breach(page, text, index, `there is no ${span}`));
  return [...deadLinks(root, page), ...paths];
}

/** The relative links of a page that lead to no file, or to no heading in it. */
export function deadLinks(root: string, page: string): Breach[] {
  const text = proseOf(readFileSync(join(root, page), 'utf8'));
  return [...text.matchAll(LINK)]
    .filter(([, target = '']) => !/^[a-z]+:/.test(target) && !leadsSomewhere(root, page, target))
    .map(({ 1: target, index }) => breach(page, text, index, `the link ${target} leads nowhere`));
}

/**
 * What the steps of a page name that is not there. A step is an item of a numbered list. In it, a path ending
 * in .ts, below src/, names a file; `name()` and `#name()` set in code are functions and methods that the
 * file declares which was named last before; and a name like `LaneConnection` is declared somewhere in src/.
 */
export function missingFunctions(root: string, page: string): Breach[] {
  const text = proseOf(readFileSync(join(root, page), 'utf8'));
  const breaches: Breach[] = [];
  let functions = 0;
  for (const { 0: step, index: start } of text.matchAll(/^\d+\. .*(?:\n {2,}.*)*/gm)) {
    let file: string | undefined;
    for (const { 1: span = '', index } of step.matchAll(SPAN)) {
      const at = start + index;
      const name = /^(#?\w+)\(\)$/.exec(span)?.[1];
      if (/^[\w./-]+\.ts$/.test(span)) file = join('src', span);
      else if (/^[A-Z][a-z]+[A-Z]\w*$/.test(span) && !declaredNames(root).has(span))
        breaches.push(breach(page, text, at, `nothing in src/ is named ${span}`));
      if (name === undefined) continue;
      functions += 1;
      if (file === undefined) breaches.push(breach(page, text, at, `no file is named before ${span}`));
      else if (!functionsOf(root, file).has(name))
        breaches.push(breach(page, text, at, `${file} has no ${span}`));
    }
  }
  return functions > 0 ? breaches : [`${page}:1: its steps name no function`];
}

/**
 * States that a page names and the code does not. Below a heading, the first file that is named in code is
 * what the states are of; in the table that follows, first cells set in code are strings in that file.
 */
export function missingStates(root: string, page: string): Breach[] {
  const text = readFileSync(join(root, page), 'utf8');
  const breaches: Breach[] = [];
  let states = 0;
  for (const { 0: section, index: start } of text.matchAll(/^### .*(?:\n(?!#).*)*/gm)) {
    const file = /`([\w./-]+\.ts)`/.exec(section)?.[1];
    for (const { 1: state = '', index } of section.matchAll(/^\| `([^`]+)` \|/gm)) {
      const at = start + index;
      states += 1;
      if (file === undefined) breaches.push(breach(page, text, at, `no file is named before ${state}`));
      else if (!stringsOf(root, join('src', file)).has(state))
        breaches.push(breach(page, text, at, `src/${file} has no state ${state}`));
    }
  }
  return states > 0 ? breaches : [`${page}:1: it draws no states`];
}

/**
 * In how far the tree of folders that a page draws, in a block that begins with `src/`, is not that of src/.
 * All storeys are drawn; and of a folder, all folders in it or none.
 */
export function wrongTree(root: string, page: string): Breach[] {
  const text = readFileSync(join(root, page), 'utf8');
  const block = /^```\n(src\/\n.*?)^```$/ms.exec(text);
  if (block?.[1] === undefined) return [`${page}:1: no tree of src/ is drawn`];
  const drawn: string[] = [];
  const above: string[] = [];
  for (const line of block[1].split('\n')) {
    const [, indent = '', name] = /^( *)([\w-]+)\//.exec(line) ?? [];
    if (name === undefined) continue;
    above.length = indent.length / 2;
    above.push(name);
    drawn.push(above.join('/'));
  }
  const parents = new Set(drawn.map(dirname));
  const real = [...parents].filter(path => path !== '.').flatMap(path => foldersIn(root, path));
  const at = (what: string): Breach => breach(page, text, block.index, what);
  return [
    ...drawn.filter(path => !existsSync(join(root, path))).map(path => at(`there is no folder ${path}`)),
    ...real.filter(path => !drawn.includes(path)).map(path => at(`${path} is not drawn`)),
  ];
}

/** A page with its fenced blocks blanked out, every line where it was. */
function proseOf(page: string): string {
  return page.replace(FENCE, block => block.replace(/[^\n]/g, ' '));
}

function breach(page: string, text: string, index: number, what: string): Breach {
  return `${page}:${text.slice(0, index).split('\n').length}: ${what}`;
}

/** The path from the root that code in a page stands for; undefined if it is none. */
function pathOf(root: string, span: string): string | undefined {
  if (!/^[\w.-]+(?:\/[\w.-]+)*\/?$/.test(span) || !span.includes('/')) return undefined;
  const [first = ''] = span.split('/');
  if (ROOTS.includes(first)) return span;
  return foldersIn(root, 'src').includes(`src/${first}`) ? `src/${span}` : undefined;
}

function isThere(root: string, path = ''): boolean {
  return existsSync(join(root, path)) && (!path.endsWith('/') || statSync(join(root, path)).isDirectory());
}

function leadsSomewhere(root: string, page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : normalize(join(dirname(page), path));
  if (file.startsWith('..') || !isThere(root, file)) return false;
  return anchor === undefined || anchorsOf(readFileSync(join(root, file), 'utf8')).includes(anchor);
}

/** As sites for Markdown make them of headings. */
function anchorsOf(page: string): string[] {
  return [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

function foldersIn(root: string, path: string): string[] {
  return readdirSync(join(root, path), { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => `${path}/${name}`);
}

/** The functions and methods that a file declares; private ones with their `#`. */
function functionsOf(root: string, file: string): Set<string> {
  const names = new Set<string>();
  for (const node of nodesOf(root, file)) {
    const isFunction = ts.isFunctionLike(node) || (isField(node) && ts.isArrowFunction(node.initializer));
    const { name } = node as { name?: ts.Node };
    if (isFunction && name !== undefined) names.add(name.getText());
  }
  return names;
}

function isField(node: ts.Node): node is ts.Node & { initializer: ts.Node } {
  const isOne = ts.isPropertyDeclaration(node) || ts.isVariableDeclaration(node);
  return isOne && node.initializer !== undefined;
}

/** The strings that a file has as literals, those of types too. */
function stringsOf(root: string, file: string): Set<string> {
  const strings = nodesOf(root, file).filter(ts.isStringLiteral);
  return new Set(strings.map(({ text }) => text));
}

let declared: { readonly root: string; readonly names: Set<string> } | undefined;

/** The names of classes, interfaces and types in src/. */
function declaredNames(root: string): Set<string> {
  if (declared?.root === root) return declared.names;
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .map(file => readFileSync(join(root, 'src', file), 'utf8'));
  const declarations = sources.flatMap(text => [
    ...text.matchAll(/^(?:export )?(?:abstract )?(?:class|interface|type) (\w+)/gm),
  ]);
  declared = { root, names: new Set(declarations.map(([, name = '']) => name)) };
  return declared.names;
}

const parsed = new Map<string, readonly ts.Node[]>();

/** All nodes of a file; none of one that is not there. */
function nodesOf(root: string, file: string): readonly ts.Node[] {
  const path = join(root, file);
  const known = parsed.get(path);
  if (known !== undefined || !existsSync(path)) return known ?? [];
  const nodes: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    nodes.push(node);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true));
  parsed.set(path, nodes);
  return nodes;
}
