/** An application that answers with files of the server's cache, and says what that cost. */

import { attachFileCache } from '../../../../src/file/cache/attached-cache.ts';
import type { AppRequest } from '../../../../src/http/app/app-side/app-request.ts';
import type { AppResponse } from '../../../../src/http/app/app-side/application.ts';
import { parentChannel } from '../../../../src/ipc/meet/fork.ts';

/** `/read?<path>`, `/part?<path>`, `/facts?<path>`, `/asks?<absolute path>`, `/stats`, `/pid`. */
export default async (request: AppRequest): Promise<AppResponse> => {
  const { cache, target } = request;
  const [what = '', ...rest] = target.split('?');
  const path = decodeURIComponent(rest.join('?'));
  try {
    switch (what) {
      case '/read':
        return { body: await cache.read(path) };
      case '/chunks': {
        using content = await cache.read(path);
        return { body: JSON.stringify(content.slices().map(({ id }) => id)) };
      }
      case '/part':
        return { body: await cache.read(path, { start: 1, end: 3 }) };
      case '/facts': {
        using snapshot = await cache.snapshot(path);
        const { size, etag, mediaType } = snapshot;
        return { body: JSON.stringify({ size, etag, mediaType }) };
      }
      // As a hostile one does: the protocol of the cache itself, by any path.
      case '/asks': {
        using attached = await attachFileCache(parentChannel());
        return { body: await attached.read(path) };
      }
      case '/stats':
        return { body: JSON.stringify(cache.stats()) };
      case '/pid':
        return { body: String(process.pid) };
      default:
        return { status: 404 };
    }
  } catch (error) {
    return { status: 400, body: String((error as { code?: string }).code) };
  }
};
