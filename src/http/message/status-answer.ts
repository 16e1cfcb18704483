import { STATUS_CODES } from 'node:http';
import { Aggregate } from '../../aggregate/aggregate.ts';
import type { Answer } from './exchange.ts';
import type { HeaderList } from './header-list.ts';

/**
 * An answer with a status and its name as text, and nothing of what went wrong inside. Not to be stored.
 * @param headers more fields
 */
export function statusAnswer(status: number, headers: HeaderList = []): Answer {
  const text = `${STATUS_CODES[status] ?? 'Error'}\n`;
  return textAnswer(status, 'text/plain; charset=utf-8', text, [
    'Cache-Control',
    'no-store',
    ...(status === 503 ? ['Retry-After', '1'] : []),
    ...headers,
  ]);
}

/** An answer with a text that was made for it. */
export function textAnswer(status: number, mediaType: string, text: string, headers: HeaderList): Answer {
  const bytes = Buffer.from(text);
  return {
    status,
    headers: [
      'Content-Type',
      mediaType,
      'Content-Length',
      String(bytes.length),
      'X-Content-Type-Options',
      'nosniff',
      ...headers,
    ],
    body: Aggregate.adopt(bytes),
  };
}

/** Nothing that a page of an error or a redirect could load or run. */
const NOTHING = "default-src 'none'";

/**
 * A redirect (RFC 9110, 15.4).
 * @param location a path, percent-encoded, on this host; or a URL
 */
export function redirectAnswer(location: string, status = 301): Answer {
  // Two slashes at the beginning would name another host.
  const target = location.replace(/^\/+/, '/');
  return pageAnswer(status, 'Redirecting', `Redirecting to ${target}`, ['Location', target]);
}

/**
 * A page that says one thing, and loads nothing.
 * @param text made harmless here
 */
export function pageAnswer(status: number, title: string, text: string, headers: HeaderList): Answer {
  const fields = ['Content-Security-Policy', NOTHING, ...headers];
  return textAnswer(status, 'text/html; charset=UTF-8', htmlPage(title, text), fields);
}

function htmlPage(title: string, text: string): string {
  const harmless = text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`);
  const head = `<head>\n<meta charset="utf-8">\n<title>${title}</title>\n</head>`;
  return `<!DOCTYPE html>\n<html lang="en">\n${head}\n<body>\n<pre>${harmless}</pre>\n</body>\n</html>\n`;
}
