import type { Dirent, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import type { Answer, ServerRequest } from '../message/exchange.ts';
import { chooseMediaType } from '../message/negotiation.ts';
import { statusAnswer, textAnswer } from '../message/status-answer.ts';
import { locate } from './locate.ts';
import type { SiteSettings } from './site-options.ts';

/** What a listing says of an entry. */
interface Entry {
  readonly name: string;
  readonly type: 'file' | 'directory';
}

/** More entries than a page is good for. */
const MAX_ENTRIES = 10_000;

const POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * Lists a directory as HTML, or as JSON if the client likes that better: the names of files and directories
 * that can be asked for, directories first; at most 10,000.
 * @param path of the directory, decoded, with its slash
 * @throws as the disk said; EACCES when symbolic links lead out of the root
 */
export async function listDirectory(
  root: string,
  path: string,
  request: ServerRequest,
  settings: SiteSettings,
): Promise<Answer> {
  const directory = await locate(root, path, settings.symlinks);
  const mediaType = chooseMediaType(request.header('accept'), ['text/html', 'application/json']);
  if (mediaType === undefined) return statusAnswer(406, ['Vary', 'Accept']);
  const present = (await readdir(directory, { withFileTypes: true }))
    .filter(({ name }) => settings.dotfiles === 'allow' || !name.startsWith('.'))
    .slice(0, MAX_ENTRIES);
  const entries: Entry[] = [];
  for (const entry of present) {
    const type = entry.isSymbolicLink()
      ? await typeBehindLink(root, path + entry.name, settings.symlinks)
      : typeOf(entry);
    if (type !== undefined) entries.push({ name: entry.name, type });
  }
  entries.sort(byTypeAndName);
  const isHtml = mediaType === 'text/html';
  const text = isHtml ? pageOf(path, entries) : `${JSON.stringify({ path, entries })}\n`;
  const fields = ['Vary', 'Accept', 'Cache-Control', 'no-cache', 'Content-Security-Policy', POLICY];
  const answer = textAnswer(200, `${mediaType}; charset=utf-8`, text, fields);
  if (request.method !== 'HEAD') return answer;
  return { ...answer, body: undefined };
}

function typeOf(entry: Dirent | Stats): Entry['type'] | undefined {
  if (entry.isDirectory()) return 'directory';
  return entry.isFile() ? 'file' : undefined;
}

/** @returns undefined when the policy does not admit the link, or it leads nowhere */
async function typeBehindLink(
  root: string,
  path: string,
  symlinks: SiteSettings['symlinks'],
): Promise<Entry['type'] | undefined> {
  try {
    return typeOf(await stat(await locate(root, path, symlinks)));
  } catch {
    return undefined;
  }
}

function byTypeAndName(a: Entry, b: Entry): number {
  if (a.type !== b.type) return a.type === 'directory' ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

function pageOf(path: string, entries: readonly Entry[]): string {
  const links = entries.map(({ name, type }) => {
    const slash = type === 'directory' ? '/' : '';
    // The dot keeps a name with a colon from being a scheme.
    return `<li><a href="./${encodeURIComponent(name)}${slash}">${escapeHtml(name)}${slash}</a></li>`;
  });
  if (path !== '/') links.unshift('<li><a href="../">../</a></li>');
  const title = escapeHtml(path);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<h1>${title}</h1>
<ul>
${links.join('\n')}
</ul>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => ENTITIES[character] as string);
}
