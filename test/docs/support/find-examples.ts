import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** A program of the documentation: one file, or several of which the first is run. */
export interface Example {
  /** Where it stands: the file, and the symbol or the line. */
  readonly name: string;
  readonly files: readonly { readonly name: string; readonly code: string }[];
}

const BLOCK = /^```ts\n(.*?)^```$/gms;

/** The `@example` blocks in the docstrings under src/. Each must have one block fenced as ts. */
export function examplesInSource(root: string): Example[] {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  return files
    .filter(file => file.endsWith('.ts'))
    .sort()
    .flatMap(file => examplesOfFile(root, join('src', file)));
}

function examplesOfFile(root: string, file: string): Example[] {
  const text = readFileSync(join(root, file), 'utf8');
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const examples: Example[] = [];
  const visit = (node: ts.Node, within: string): void => {
    const symbol = nameOf(node);
    const name = symbol === undefined ? within : within === '' ? symbol : `${within}.${symbol}`;
    for (const comment of ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc)) {
      const blocks = blocksOfComment(comment.getText());
      examples.push(
        ...blocks.map(code => ({ name: `${file}: ${name}`, files: [{ name: 'example', code }] })),
      );
    }
    ts.forEachChild(node, child => visit(child, name));
  };
  visit(tree, '');
  const written = text.split('@example').length - 1;
  if (examples.length !== written) {
    throw new Error(`${file} has ${written} @example, ${examples.length} of them with a block fenced as ts`);
  }
  return examples;
}

function nameOf(node: ts.Node): string | undefined {
  const { name } = node as { name?: ts.Node };
  return name !== undefined && ts.isIdentifier(name) ? name.text : undefined;
}

function blocksOfComment(comment: string): string[] {
  const lines = comment.split('\n').map(line => line.replace(/^\s*\*( |$)/, ''));
  const [, ...sections] = lines.join('\n').split('@example');
  return sections.flatMap(section => [...section.matchAll(BLOCK)].map(([, code = '']) => code));
}

/**
 * The blocks of a Markdown file that are fenced as ts; those fenced as `ts ignore` are no programs. Blocks
 * that follow each other and begin with a comment of a file's name, as `// parent.ts`, make one program.
 */
export function examplesInPage(root: string, page: string): Example[] {
  const text = readFileSync(join(root, page), 'utf8');
  const examples: { name: string; files: { name: string; code: string }[] }[] = [];
  let open = false;
  for (const { 1: code = '', index } of text.matchAll(BLOCK)) {
    const line = text.slice(0, index).split('\n').length;
    const fileName = /^\/\/ ([\w-]+)\.ts\n/.exec(code)?.[1];
    const file = { name: fileName ?? 'example', code };
    const last = examples.at(-1);
    const goesOn = open && fileName !== undefined && !last?.files.some(({ name }) => name === fileName);
    if (goesOn) last?.files.push(file);
    else examples.push({ name: `${page}:${line}`, files: [file] });
    open = fileName !== undefined;
  }
  return examples;
}
