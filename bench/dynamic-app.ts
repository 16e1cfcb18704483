/**
 * The application of the benchmark: answers /kept/<size> with what it keeps, /made/<size> with what it makes
 * each time.
 */

import type { AppRequest, AppResponse } from '../src/http/index.ts';
import { type Aggregate, createPool } from '../src/index.ts';

const pool = createPool({ name: 'dynamic' });
const kept = new Map<string, Aggregate>();
const HEADERS = Object.freeze({ 'Content-Type': 'application/octet-stream' });

export default ({ target }: AppRequest): AppResponse => {
  const [, kind, size = '0'] = target.split('/');
  if (kind === 'made') {
    const draft = pool.allocate(Number(size));
    draft.bytes.fill(120);
    return { headers: HEADERS, body: draft.seal() };
  }
  let body = kept.get(size);
  if (body === undefined) {
    body = pool.from(Buffer.alloc(Number(size), 'x'));
    kept.set(size, body);
  }
  return { headers: HEADERS, body: body.duplicate() };
};
