import { dirname } from 'node:path';
import ts from 'typescript';
import { lastLineOf, lineOf } from './project.mjs';

const MAX_FOLDER_FILES = 22;
const MAX_FUNCTION_LINES = 70;
const MAX_FILE_LINES = 420;

/** No folder of src/, test/, chaos/ has more files than one sees at a glance; folders in it do not count. */
export function fullFolders(project) {
  const counts = new Map();
  for (const path of ['src', 'test', 'chaos'].flatMap(folder => project.list(folder))) {
    counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > MAX_FOLDER_FILES)
    .map(([path, count]) => ({
      path,
      line: 1,
      what: `${count} files in a folder of at most ${MAX_FOLDER_FILES}`,
    }));
}

/** No function of src/, scripts/ and chaos/ is longer than a screen, from its head to its last brace. */
export function longFunctions(project) {
  return project.code('src', 'scripts', 'chaos').flatMap(path => {
    const found = [];
    const visit = node => {
      const lines = lastLineOf(node) - lineOf(node) + 1;
      if (lines <= MAX_FUNCTION_LINES) return;
      if (ts.isFunctionLike(node)) {
        const what = `${nameOf(node)} has ${lines} lines, a function at most ${MAX_FUNCTION_LINES}`;
        found.push({ path, line: lineOf(node), what });
      }
      ts.forEachChild(node, visit);
    };
    visit(project.tree(path));
    return found;
  });
}

function nameOf({ name, parent }) {
  return (name ?? parent?.name)?.getText() ?? 'a function';
}

/** No file of src/ and chaos/ has more lines than one idea takes. */
export function longFiles(project) {
  return project
    .code('src', 'chaos')
    .map(path => ({ path, lines: project.text(path).replace(/\n$/, '').split('\n').length }))
    .filter(({ lines }) => lines > MAX_FILE_LINES)
    .map(({ path, lines }) => ({
      path,
      line: MAX_FILE_LINES + 1,
      what: `${lines} lines in a file of at most ${MAX_FILE_LINES}`,
    }));
}
