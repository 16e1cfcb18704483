/** The application of the benchmark: tells of each body its length, its first and its last byte. */

import type { AppRequest, AppResponse } from '../src/http/index.ts';

const HEADERS = Object.freeze({ 'Content-Type': 'text/plain' });

export default async (request: AppRequest): Promise<AppResponse> => {
  using body = await request.read({ limit: 64 * 1024 ** 2 });
  const { length } = body;
  return { headers: HEADERS, body: `${length} ${body.at(0)} ${body.at(length - 1)}\n` };
};
