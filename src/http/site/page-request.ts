import { extensionOf, mediaTypeOf } from '../../file/content/media-type.ts';
import type { ServerRequest } from '../message/exchange.ts';
import { chooseMediaType } from '../message/negotiation.ts';

/** What browsers say a page is for, where they say it (Fetch Metadata, Sec-Fetch-Dest). */
const PAGE_DESTINATIONS: ReadonlySet<string> = new Set(['document', 'embed', 'frame', 'iframe', 'object']);
/** Endings of domain names and the like, which paths have at their end as well as names of files. */
const NAME_ENDINGS: ReadonlySet<string> = new Set(['ai', 'com', 'in', 'me', 'ms', 'net', 'org', 'rs', 'sh']);

/**
 * Whether the page of a single-page application can be what a request asks for, where there is nothing else:
 * a person may go there, and the path names no file of another kind. Not a script, a picture, or data.
 */
export function isPageRequest(request: ServerRequest): boolean {
  const { method, target } = request;
  if ((method !== 'GET' && method !== 'HEAD') || namesAsset(target)) return false;
  const accept = request.header('accept');
  const destination = request.header('sec-fetch-dest');
  if (destination !== undefined && !PAGE_DESTINATIONS.has(destination) && accept?.includes('html') !== true) {
    return false;
  }
  return chooseMediaType(accept, ['text/html', 'application/json']) === 'text/html';
}

/** Whether the last name of a path has the extension of a known type that is no page's. */
function namesAsset(target: string): boolean {
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  const extension = extensionOf(path);
  if (extension === undefined || NAME_ENDINGS.has(extension)) return false;
  const type = mediaTypeOf(path);
  return type !== 'application/octet-stream' && !type.includes('html');
}
