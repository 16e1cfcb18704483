/**
 * Circles of imports: of files, and of the rooms of a folder (what lies directly in it: its files, and its
 * folders as wholes). Both checks of the structure tell of them.
 */
import { readImports, sourcesIn } from './imports.mjs';

/**
 * Finds the circles in the sources below a folder; enough to fail on, not all there are.
 * @param {string} source the folder
 * @returns {{ file: string, line: number, what: string }[]} an import of each, and the way round from there
 */
export function circlesIn(source) {
  const imports = readImports(source).filter(({ target }) => target !== undefined);
  const folders = new Set(sourcesIn(source).flatMap(foldersAbove));
  return [
    ...circlesOf(imports, file => file).map(circle => report('a circle of files', circle)),
    ...[...folders].flatMap(folder =>
      circlesOf(within(imports, folder), file => roomOf(file, folder))
        // Circles of files alone are told already.
        .filter(circle => circle.some(({ from }) => !from.endsWith('.ts')))
        .map(circle => report('a circle of rooms', circle)),
    ),
  ];
}

function within(imports, folder) {
  return imports.filter(({ file, target }) => file.startsWith(folder) && target.startsWith(folder));
}

/** What lies directly in a folder and is, or has, the file. */
function roomOf(file, folder) {
  return folder + file.slice(folder.length).split('/', 1)[0];
}

/** @returns each circle as its steps from node to node, with the import that makes each */
function circlesOf(imports, nodeOf) {
  return findCircles(graphOf(imports, nodeOf)).map(circle =>
    circle.map((from, position) => {
      const to = circle[(position + 1) % circle.length];
      const { file, line } = imports.find(each => nodeOf(each.file) === from && nodeOf(each.target) === to);
      return { from, to, file, line };
    }),
  );
}

function report(kind, circle) {
  const [{ file, line }] = circle;
  const way = circle.map(step => `${step.from} imports ${step.to} (${step.file}:${step.line})`).join(', ');
  return { file, line, what: `${kind}: ${way}` };
}

/** Who imports whom, each file by the node it belongs to. */
function graphOf(imports, nodeOf) {
  const graph = new Map();
  for (const { file, target } of imports) {
    const [from, to] = [nodeOf(file), nodeOf(target)];
    if (from === to && file !== target) continue;
    if (!graph.has(from)) graph.set(from, new Set());
    graph.get(from).add(to);
  }
  return graph;
}

/** 'ipc/wire/frame.ts' lies below '', 'ipc/' and 'ipc/wire/'. */
function foldersAbove(file) {
  const parts = file.split('/').slice(0, -1);
  return ['', ...parts.map((_, position) => `${parts.slice(0, position + 1).join('/')}/`)];
}

/** @returns the circles of a graph met on the way, each beginning with its first in order */
function findCircles(graph) {
  const circles = new Map();
  const finished = new Set();
  const path = [];
  const visit = node => {
    const seen = path.indexOf(node);
    if (seen !== -1) {
      const circle = inOrder(path.slice(seen));
      circles.set(circle.join('\0'), circle);
      return;
    }
    if (finished.has(node)) return;
    path.push(node);
    for (const next of graph.get(node) ?? []) visit(next);
    path.pop();
    finished.add(node);
  };
  for (const node of graph.keys()) visit(node);
  return [...circles.values()];
}

function inOrder(circle) {
  const first = circle.indexOf([...circle].sort()[0]);
  return [...circle.slice(first), ...circle.slice(0, first)];
}
