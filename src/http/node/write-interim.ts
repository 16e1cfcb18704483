import type { ServerResponse } from 'node:http';
import { fieldOf, type HeaderList } from '../message/header-list.ts';
import type { NodeResponse } from './response-way.ts';

/**
 * Sends an interim response: 102, or 103 with its Link. Others are dropped, and all of them for a client of
 * HTTP/1.0, which knows none (RFC 9110, 15.2).
 */
export function writeInterim(
  httpVersion: string,
  response: NodeResponse,
  status: number,
  headers: HeaderList,
): void {
  const link = fieldOf(headers, 'link');
  if (httpVersion === '1.0' || (status === 103 && link === undefined)) return;
  try {
    if ('stream' in response) {
      if (status === 102 || status === 103)
        response.stream.additionalHeaders({ ':status': status, ...(status === 103 ? { link } : {}) });
    } else if (status === 103) {
      // It takes one link a string.
      response.writeEarlyHints({ link: (link as string).split(/,\s*(?=<)/) });
    } else if (status === 102) {
      (response as ServerResponse).writeProcessing();
    }
  } catch {
    // A Link that Node does not take is no reason not to answer.
  }
}
