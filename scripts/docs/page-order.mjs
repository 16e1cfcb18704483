/** In which order the site has its pages, and under which headings: as docs/README.md names them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const INDEX = 'docs/README.md';
/** Pages of the root that others link to; the index need not name them. */
const AT_ROOT = ['CHANGELOG.md', 'CONTRIBUTING.md', 'ADDING.md', 'STYLE.md', 'SECURITY.md'];
/** Where pages are that the index leaves to another page. */
const DECISIONS = 'docs/decisions/README.md';
const LINK = /\]\(([^)#\s]+\.md)(?:#[^)]*)?\)/g;

/**
 * @param {string} root
 * @returns {{ path: string, title: string, heading: string }[]} pages that are there, relative to the root
 */
export function pagesInOrder(root) {
  const pages = new Map([[INDEX, 'Begin']]);
  let heading = 'Begin';
  for (const line of readFileSync(join(root, INDEX), 'utf8').split('\n')) {
    heading = /^## (.*)$/.exec(line)?.[1] ?? heading;
    for (const path of linkedFrom(INDEX, line)) if (!pages.has(path)) pages.set(path, heading);
  }
  for (const path of linkedFrom(DECISIONS, readFileSync(join(root, DECISIONS), 'utf8')))
    if (!pages.has(path)) pages.set(path, 'Decisions');
  for (const path of unlisted(root)) if (!pages.has(path)) pages.set(path, 'More');
  for (const path of AT_ROOT) pages.set(path, 'Project');
  return [...pages]
    .filter(([path]) => existsSync(join(root, path)))
    .map(([path, heading]) => ({ path, heading, title: titleOf(readFileSync(join(root, path), 'utf8')) }));
}

/** Pages in docs/ that the index does not lead to. */
function unlisted(root) {
  const names = readdirSync(join(root, 'docs'), { recursive: true });
  return names.filter(name => name.endsWith('.md')).map(name => join('docs', name));
}

function linkedFrom(page, text) {
  return [...text.matchAll(LINK)].map(([, target]) => normalize(join(dirname(page), target)));
}

function titleOf(text) {
  return (/^# (.*)$/m.exec(text)?.[1] ?? 'Untitled').replaceAll('`', '');
}
