/**
 * Answers /<seed>/<pages> with pages that can be found in memory, which it keeps, and /file/<path> with a
 * file of the server's.
 */
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import type { AppRequest } from '../../../src/http/app/app-side/app-request.ts';
import type { AppResponse } from '../../../src/http/app/app-side/application.ts';
import { fillMarked } from '../support/marked-pages.ts';

const pool = createPool({ name: 'marked' });
const kept = new Map<string, Aggregate>();

export default async ({ target, cache }: AppRequest): Promise<AppResponse> => {
  if (target.startsWith('/file/')) return { body: await cache.read(target.slice('/file'.length)) };
  let body = kept.get(target);
  if (body === undefined) {
    const [, seed, pages] = target.split('/').map(Number) as [number, number, number];
    const draft = pool.allocate(pages * 4096);
    fillMarked(draft.bytes, seed);
    body = draft.seal();
    kept.set(target, body);
  }
  return { body: body.duplicate() };
};
