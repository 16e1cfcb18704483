import type { SharedCache } from '../cache/shared-cache.ts';
import { ResponseCache, type ResponseCacheOptions } from '../http/response-cache/response-cache.ts';
import type { Instance, Reply, Request } from './framework.ts';

/** Options of {@link responseCache}. */
export interface FastifyResponseCacheOptions extends ResponseCacheOptions {
  /** Where responses are kept. Stays the caller's to close; if it fails, the application answers. */
  readonly cache: SharedCache;
}

/**
 * Keeps responses to GET of all routes of the instance in a shared cache, for all processes, by the rules of
 * the proxy: those that say how long they are right (Cache-Control, Expires) and are for all. One of all
 * processes makes a response, for which the others wait. What is kept is sent before hooks behind this one
 * run. Other methods that succeed make what is kept of their target forgotten.
 * @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import fastify from 'fastify';
 * import { sharedCache } from 'iolite/cache';
 * import { responseCache } from 'iolite/fastify';
 *
 * const cache = sharedCache('example-replies', { budget: 64 * 1024 ** 2 });
 * const app = fastify();
 * app.register(responseCache, { cache });
 * let times = 0;
 * app.get('/products', (_request, reply) => {
 *   return reply.header('Cache-Control', 'max-age=60').send({ times: ++times });
 * });
 * const { port } = new URL(await app.listen({ port: 0 }));
 * const get = async () => (await fetch(`http://localhost:${port}/products`)).json();
 * assert.deepEqual([await get(), await get()], [{ times: 1 }, { times: 1 }]);
 * await app.close();
 * await cache.close();
 * ```
 */
export async function responseCache(
  instance: Instance,
  { cache, ...options }: FastifyResponseCacheOptions,
): Promise<void> {
  const responses = new ResponseCache(cache, options);
  instance.addHook('onRequest', ((request: Request, reply: Reply, done: () => void) => {
    responses.handle(request.raw, reply.raw, done, () => reply.hijack());
  }) as never);
}

/** The plugin is the instance's own, as if it were called there: its hook is for all routes. */
Object.assign(responseCache, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('plugin-meta')]: { name: 'iolite/fastify response cache', fastify: '5.x' },
});
