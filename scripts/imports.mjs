/**
 * Who imports what in src/: read from the sources, types as well as code, for the checks of the structure.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';

/**
 * Reads the imports of all sources below a folder.
 * @param {string} source
 * @returns {{ file: string, line: number, specifier: string, target: string | undefined }[]} `target` is the
 *   file imported, of the same form as `file` (relative to the folder), or undefined if the specifier is no
 *   path to a source
 */
export function readImports(source) {
  const files = sourcesIn(source);
  const known = new Set(files);
  return files.flatMap(file =>
    importsOf(join(source, file)).map(({ line, specifier }) => {
      const target = specifier.startsWith('.') ? join(dirname(file), specifier) : undefined;
      return {
        file,
        line,
        specifier,
        target: target !== undefined && known.has(target) ? target : undefined,
      };
    }),
  );
}

/** The sources below a folder, relative to it, in order. */
export function sourcesIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter(file => file.endsWith('.ts'))
    .sort();
}

/** A source as the compiler's tree, with parents. */
export function parse(path) {
  return ts.createSourceFile(resolve(path), readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
}

function importsOf(path) {
  const tree = parse(path);
  const found = [];
  const visit = node => {
    const specifier = specifierOf(node);
    if (specifier !== undefined && ts.isStringLiteral(specifier)) {
      const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
      found.push({ line: line + 1, specifier: specifier.text });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** What an import, a re-export, `import()` or the type `import('...')` names. */
function specifierOf(node) {
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return node.arguments[0];
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal;
  return node.moduleSpecifier;
}
