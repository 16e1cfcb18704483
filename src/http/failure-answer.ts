import { STATUS_CODES } from 'node:http';
import type { Aggregate } from '../aggregate/aggregate.ts';
import { createPool, type Pool } from '../aggregate/pool.ts';
import type { Answer, HeaderList } from './exchange.ts';

interface Page {
  readonly headers: HeaderList;
  readonly body: Aggregate;
}

let pool: Pool | undefined;
const pages = new Map<number, Page>();

/** The answer of an error status: its name, and nothing of what went wrong inside. */
export function failureAnswer(status: number): Answer {
  let page = pages.get(status);
  if (page === undefined) {
    page = makePage(status);
    pages.set(status, page);
  }
  return { status, headers: page.headers, body: page.body.duplicate() };
}

function makePage(status: number): Page {
  // On the heap: it is for sockets, and goes to no other process.
  pool ??= createPool({ name: 'failures', memory: 'heap', chunkSize: 64 * 1024 });
  const body = pool.from(`${STATUS_CODES[status] ?? 'Error'}\n`);
  const headers = [
    'Content-Type',
    'text/plain; charset=utf-8',
    'Content-Length',
    String(body.length),
    'Cache-Control',
    'no-store',
    'X-Content-Type-Options',
    'nosniff',
  ];
  if (status === 503) headers.push('Retry-After', '1');
  return { headers, body };
}
