import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

/** The folders with code of ours, by the root. */
const CODE_FOLDERS = ['src', 'test', 'bench', 'chaos', 'scripts', 'examples'];

/** The code of a project, read once. Paths are relative to its root. */
export class Project {
  /** The files of code, in order: TypeScript and JavaScript. */
  files;
  #trees = new Map();

  /** @param {string} root */
  constructor(root) {
    this.root = root;
    this.files = CODE_FOLDERS.flatMap(folder => this.list(folder)).filter(path =>
      /\.(ts|mjs|js)$/.test(path),
    );
  }

  /** All files below a folder, in order. */
  list(folder) {
    const start = join(this.root, folder);
    if (!existsSync(start)) return [];
    return readdirSync(start, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => relative(this.root, join(entry.parentPath ?? entry.path, entry.name)))
      .sort();
  }

  /** The files of code below some folders. */
  code(...folders) {
    return this.files.filter(path => folders.some(folder => path.startsWith(`${folder}/`)));
  }

  text(path) {
    return readFileSync(join(this.root, path), 'utf8');
  }

  /** A file as the compiler's tree, with parents. */
  tree(path) {
    let tree = this.#trees.get(path);
    if (tree === undefined) {
      tree = ts.createSourceFile(path, this.text(path), ts.ScriptTarget.Latest, true);
      this.#trees.set(path, tree);
    }
    return tree;
  }
}

/** The line of a node, from 1. */
export function lineOf(node) {
  const tree = node.getSourceFile();
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

/** The line on which a node ends, from 1. */
export function lastLineOf(node) {
  return node.getSourceFile().getLineAndCharacterOfPosition(node.end).line + 1;
}
