/**
 * Files of a directory as a middleware of Hono.
 * @packageDocumentation
 */

import { releaseBody } from '../http/message/body.ts';
import { fidelityBelow } from '../http/message/negotiation.ts';
import { answerOf } from '../http/message/promised-answer.ts';
import { StatusError } from '../http/message/status-error.ts';
import { type ChosenFileOptions, chosenFiles } from '../http/site/chosen-files.ts';
import { defaultCache } from '../http/site/default-cache.ts';
import { FetchedRequest, type FetchHandlerOptions, responseOf } from '../http/site/fetch-handler.ts';
import { createSite } from '../http/site/site.ts';

/** What is used of Hono, which therefore need not be installed for iolite's sake. */
interface HonoContext {
  readonly req: { readonly raw: Request };
}

/**
 * A middleware that serves the files of a directory; what there is none for is left to the next one. As
 * others may code its answers, as `compress()` does, their tags are weak, and ranges are answered to who
 * takes no coding.
 * @param root the directory. It need not be there yet
 * @param options `prefix`: what paths begin with that is not below the directory
 * @throws ERR_IOLITE_ARGUMENT
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { Hono } from 'hono';
 * import { honoStatic } from 'iolite/hono';
 *
 * const app = new Hono();
 * app.use('/site/*', honoStatic('examples/site', { prefix: '/site', maxAge: '1h' }));
 * app.get('/site/api', context => context.text('of the application'));
 * const style = await app.request('/site/style.css');
 * assert.equal(style.headers.get('Cache-Control'), 'public, max-age=3600');
 * assert.equal(await (await app.request('/site/api')).text(), 'of the application');
 * ```
 */
export function honoStatic(
  root: string,
  options: FetchHandlerOptions = {},
): (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined> {
  const { cache = defaultCache(), prefix = '', ...site } = options;
  const handler = createSite(root, { ...site, cache, fallthrough: true });
  const mount = prefix.replace(/\/+$/, '');
  return async ({ req: { raw } }, next) => {
    const asked = new FetchedRequest(
      raw,
      mount,
      fidelityBelow(raw.headers.get('accept-encoding') ?? undefined),
    );
    const answer = asked.target === '' ? undefined : await answerOf(handler, asked, raw.signal);
    if (answer !== undefined) return responseOf(answer, raw);
    await next();
    return undefined;
  };
}

/**
 * The Response with a file that a route chose.
 * @param path absolute, or below `options.root`
 * @throws StatusError where it is not to be had, ERR_IOLITE_ARGUMENT
 */
export async function honoFile(
  { req: { raw } }: HonoContext,
  path: string,
  options: ChosenFileOptions = {},
): Promise<Response> {
  const files = chosenFiles(options);
  const found = await files.find(path, raw.signal);
  if (!('snapshot' in found)) {
    const { status, cause } = 'status' in found ? found : { status: 404, cause: undefined };
    throw new StatusError(status, [], cause);
  }
  const asked = new FetchedRequest(raw, '', fidelityBelow(raw.headers.get('accept-encoding') ?? undefined));
  const answer = files.answer(asked, found);
  if (asked.method !== 'HEAD') return responseOf(answer, raw);
  releaseBody(answer.body);
  return responseOf({ ...answer, body: undefined }, raw);
}
