import type { Answer, ServerRequest } from '../message/exchange.ts';
import { chooseMediaType } from '../message/negotiation.ts';
import { statusAnswer, textAnswer } from '../message/status-answer.ts';
import type { SiteSettings } from './site-options.ts';
import type { SiteEntry, SiteSource } from './site-source.ts';

/** More entries than a page is good for. */
const MAX_ENTRIES = 10_000;

const POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * Lists a directory as HTML, or as JSON if the client likes that better: the names of files and directories
 * that can be asked for, directories first; at most 10,000.
 * @param path of the directory, decoded, with its slash
 * @throws as {@link SiteSource.list}
 */
export async function listDirectory(
  source: SiteSource,
  path: string,
  request: ServerRequest,
  { dotfiles }: SiteSettings,
): Promise<Answer> {
  const entries = await source.list(path, { hidden: dotfiles === 'allow', limit: MAX_ENTRIES });
  const mediaType = chooseMediaType(request.header('accept'), ['text/html', 'application/json']);
  if (mediaType === undefined) return statusAnswer(406, ['Vary', 'Accept']);
  entries.sort(byTypeAndName);
  const isHtml = mediaType === 'text/html';
  const text = isHtml ? pageOf(path, entries) : `${JSON.stringify({ path, entries })}\n`;
  const fields = ['Vary', 'Accept', 'Cache-Control', 'no-cache', 'Content-Security-Policy', POLICY];
  const answer = textAnswer(200, `${mediaType}; charset=utf-8`, text, fields);
  if (request.method !== 'HEAD') return answer;
  return { ...answer, body: undefined };
}

function byTypeAndName(a: SiteEntry, b: SiteEntry): number {
  if (a.type !== b.type) return a.type === 'directory' ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

function pageOf(path: string, entries: readonly SiteEntry[]): string {
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
