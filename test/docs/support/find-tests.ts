import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import type { Breach } from './find-names.ts';

/** Functions that take a test's name first. */
const MAKERS: readonly string[] = ['test', 'it', 'hostileTest'];
/** A file, and behind it the names of some of its tests: `test/a/b.test.ts` "one", "two". */
const FILE_AND_NAMES = /`(test\/[^`]+\.test\.ts)`((?:,?\s+"[^"]+")*)/g;
const NAME = /"([^"]+)"/g;
/** What stands on a page for what differs from test to test. */
const ELLIPSIS = '…';

/**
 * Tests that a page names and that are not there: behind the path of a file, in code, the names of its tests
 * in quotes, with an ellipsis for what a loop puts into a name. A file without names is a breach, too.
 */
export function missingTests(root: string, page: string): Breach[] {
  const text = readFileSync(join(root, page), 'utf8');
  const breaches: Breach[] = [];
  for (const { 1: path = '', 2: names = '', index } of text.matchAll(FILE_AND_NAMES)) {
    const where = `${page}:${text.slice(0, index).split('\n').length}`;
    if (!existsSync(join(root, path))) {
      breaches.push(`${where}: there is no ${path}`);
      continue;
    }
    const there = testsOf(join(root, path));
    const named = [...names.matchAll(NAME)].map(([, name = '']) => name.replace(/\s+/g, ' '));
    if (named.length === 0) breaches.push(`${where}: no test of ${path} is named`);
    for (const name of named) {
      if (!there.has(name)) breaches.push(`${where}: ${path} has no test "${name}"`);
    }
  }
  return breaches;
}

/** Statements of a page, each in bold, that nothing shows: neither has an item that begins with `what`. */
export function statementsWithout(root: string, page: string, what: readonly string[]): Breach[] {
  const text = readFileSync(join(root, page), 'utf8');
  const blocks = [...text.matchAll(/^\*\*(.+?)\*\*\n((?:[- ][^\n]*\n)*)/gms)];
  if (blocks.length === 0) return [`${page}:1: it has no statements`];
  return blocks.flatMap(({ 2: items = '', index }) =>
    what
      .filter(each => !items.includes(`- ${each}: `))
      .map(each => `${page}:${text.slice(0, index).split('\n').length}: ${each} is not said`),
  );
}

/** The names of a file's tests. */
function testsOf(path: string): Set<string> {
  const names = new Set<string>();
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && MAKERS.includes(node.expression.getText())) {
      const name = nameIn(node.arguments[0]);
      if (name !== undefined) names.add(name);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

function nameIn(node: ts.Node | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return node.head.text + node.templateSpans.map(({ literal }) => ELLIPSIS + literal.text).join('');
}
