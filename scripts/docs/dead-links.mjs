/** Links of a built site that lead nowhere. `node scripts/docs/dead-links.mjs <folder>` */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const LINK = /<[a-z][^>]*?\s(?:href|src)="([^"]*)"/gi;
const ANCHOR = /\s(?:id|name)="([^"]*)"/g;
/** What leads out of the site, or is the data itself. */
const OUTSIDE = /^(?:[a-z][a-z+.-]*:|\/\/)/i;
const ENTITIES = { '&amp;': '&', '&quot;': '"', '&#39;': "'", '&#x27;': "'", '&lt;': '<', '&gt;': '>' };

/**
 * @param {string} site a folder
 * @returns {string[]} each link within the site whose file or anchor is not there, as `page: link`
 */
export function deadLinksIn(site) {
  const anchors = new Map();
  const anchorsOf = path => {
    if (!anchors.has(path)) anchors.set(path, anchorsIn(readFileSync(path, 'utf8')));
    return anchors.get(path);
  };
  return pagesOf(site).flatMap(page => {
    const links = [...readFileSync(page, 'utf8').matchAll(LINK)].map(([, link]) => unescaped(link));
    const dead = links.filter(link => !OUTSIDE.test(link) && !leadsSomewhere(site, page, link, anchorsOf));
    return [...new Set(dead)].map(link => `${relative(site, page)}: ${link}`);
  });
}

/** @returns {string[]} */
function pagesOf(site) {
  const names = readdirSync(site, { recursive: true });
  return names.filter(name => name.endsWith('.html')).map(name => join(site, name));
}

function leadsSomewhere(site, page, link, anchorsOf) {
  const [path, anchor] = link.split('#', 2).map(part => decodeURIComponent(part));
  const target = path === '' ? page : normalize(join(dirname(page), path));
  if (!`${target}${sep}`.startsWith(join(site, sep)) || !existsSync(target)) return false;
  const file = statSync(target).isDirectory() ? join(target, 'index.html') : target;
  // A page of text that is copied as it is has no place in the site.
  if (!existsSync(file) || file.endsWith('.md')) return false;
  return anchor === undefined || anchor === '' || !file.endsWith('.html') || anchorsOf(file).has(anchor);
}

function anchorsIn(text) {
  return new Set([...text.matchAll(ANCHOR)].map(([, name]) => unescaped(name)));
}

function unescaped(text) {
  return text.replace(/&(?:amp|quot|#39|#x27|lt|gt);/g, entity => ENTITIES[entity]);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const dead = deadLinksIn(argv[2]);
  for (const link of dead) console.error(link);
  process.exitCode = dead.length > 0 ? 1 : 0;
}
