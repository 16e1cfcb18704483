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

/**
 * A redirect (RFC 9110, 15.4).
 * @param location a path, percent-encoded, on this host; or a URL
 */
export function redirectAnswer(location: string, status = 301): Answer {
  // Two slashes at the beginning would name another host.
  const target = location.replace(/^\/+/, '/');
  const text = `Redirecting to ${target}\n`;
  return textAnswer(status, 'text/plain; charset=utf-8', text, ['Location', target]);
}
