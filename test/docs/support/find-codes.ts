import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const CODE = /ERR_IOLITE_[A-Z_]*[A-Z]/g;

/** The codes of the union in src/base/error.ts, in its order. */
export function codesOfUnion(root: string): string[] {
  const codes: string[] = [];
  const visit = (node: ts.Node, isInside: boolean): void => {
    if (isInside && ts.isStringLiteral(node)) codes.push(node.text);
    const isUnion = ts.isTypeAliasDeclaration(node) && node.name.text === 'IoliteErrorCode';
    ts.forEachChild(node, child => visit(child, isInside || isUnion));
  };
  visit(treeOf(root, 'src/base/error.ts'), false);
  return codes;
}

/** The codes that a page has a heading for, in its order. */
export function codesOfPage(root: string, page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^### (ERR_\w+)$/gm)].map(([, code = '']) => code);
}

/** All codes that files name, in text and comments too. */
export function codesNamed(root: string, files: readonly string[]): Set<string> {
  return new Set(files.flatMap(file => readFileSync(join(root, file), 'utf8').match(CODE) ?? []));
}

/** The codes that src/ gives to errors: compared or looked up is not enough. */
export function codesRaised(root: string): Set<string> {
  const codes = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) && node.text.startsWith('ERR_IOLITE_') && isValue(node))
      codes.add(node.text);
    ts.forEachChild(node, visit);
  };
  for (const file of sourcesOf(root)) {
    if (codesNamed(root, [file]).size > 0) visit(treeOf(root, file));
  }
  return codes;
}

/** The sources, relative to the root. */
export function sourcesOf(root: string): string[] {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  return files.filter(file => file.endsWith('.ts')).map(file => join('src', file));
}

/** Whether it is what an error is made with, or what stands in for a code that is not there. */
function isValue({ parent }: ts.StringLiteral): boolean {
  if (ts.isNewExpression(parent) || ts.isConditionalExpression(parent) || ts.isBindingElement(parent))
    return true;
  if (ts.isCallExpression(parent)) return parent.expression.kind === ts.SyntaxKind.SuperKeyword;
  return ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken;
}

function treeOf(root: string, file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
}
