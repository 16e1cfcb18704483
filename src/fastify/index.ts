/**
 * Files of directories as a plugin of Fastify, in place of @fastify/static.
 * @packageDocumentation
 */
import { attachmentOf } from '../http/message/content-disposition.ts';
import { StatusError } from '../http/message/status-error.ts';
import { fileRoutes } from './file-routes.ts';
import type { Instance, Reply, Request, RouteOptions } from './framework.ts';
import { checkPlugin, type FastifyStaticOptions, type ReplyFileOptions } from './options.ts';
import { pathBelow, withSlash } from './paths.ts';
import { StaticFiles } from './static-files.ts';

export type { FolderFacts, ListedEntry, ListOptions } from './listing.ts';
export type { FastifyStaticOptions, ReplyFileOptions } from './options.ts';
export { type FastifyResponseCacheOptions, responseCache } from './response-cache.ts';

declare module 'fastify' {
  /** With what the plugin adds to replies. (Overloads of @fastify/static go along with these.) */
  interface FastifyReply {
    /** Sends a file below the root, or below another one. @returns the reply */
    sendFile(path: string, root?: string | ReplyFileOptions, options?: ReplyFileOptions): FastifyReply;
    /** The same, to be saved under its name, or another one. */
    download(path: string, name?: string | ReplyFileOptions, options?: ReplyFileOptions): FastifyReply;
  }
}

/**
 * Serves the files of a directory for all GET and HEAD requests below the prefix that no other route takes,
 * and adds `reply.sendFile` and `reply.download`. It has the options and the behaviour of @fastify/static.
 * What there is no file for goes to the instance's handler of unknown routes; errors go to its error handler.
 * @throws ERR_IOLITE_ARGUMENT, also for options that it does not know
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import fastify from 'fastify';
 * import fastifyStatic from 'iolite/fastify';
 *
 * const app = fastify();
 * app.register(fastifyStatic, { root: 'examples/site', prefix: '/site', maxAge: '1h' });
 * const { port } = new URL(await app.listen({ port: 0 }));
 * const response = await fetch(`http://localhost:${port}/site/style.css`);
 * assert.equal(response.headers.get('Cache-Control'), 'public, max-age=3600');
 * await app.close();
 * ```
 */
export default async function fastifyStatic(
  instance: Instance,
  options: FastifyStaticOptions,
): Promise<void> {
  const roots = checkPlugin(instance, options);
  const { prefix: given = '/', prefixAvoidTrailingSlash, decorateReply, serve } = options;
  const prefix = prefixAvoidTrailingSlash === true || given.endsWith('/') ? given : `${given}/`;
  const files = new StaticFiles(options, roots, prefix);
  if (decorateReply !== false) decorate(instance, files);
  if (serve === false || roots === undefined) return;
  const route = routeOf(options);
  const add = (given: RouteOptions): unknown => instance.route(given as never);
  if (options.wildcard === false) {
    const { index = 'index.html', globIgnore = [], serveDotFiles, redirect } = options;
    const wanted = {
      prefix,
      index: [index || []].flat(),
      ignored: globIgnore,
      withDots: serveDotFiles === true,
      redirect: redirect === true,
    };
    for (const { url, path, root } of await fileRoutes(roots, wanted)) {
      add(route(url, (request, reply) => files.reply(request, reply, path, { root })));
    }
    return;
  }
  add(route(`${prefix}*`, (request, reply) => answerBelow(files, request, reply)));
  if (options.redirect === true && prefix !== given) {
    add(route(given, (request, reply) => reply.redirect(withSlash(request.raw.url ?? '/'), 301)));
  }
}

/** The plugin is the instance's own, as if it were called there: replies are decorated for all. */
Object.assign(fastifyStatic, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'iolite/fastify',
  [Symbol.for('plugin-meta')]: { name: 'iolite/fastify', fastify: '5.x' },
});

function routeOf({ constraints, logLevel, schemaHide = true }: FastifyStaticOptions) {
  return (url: string, handler: RouteOptions['handler']): RouteOptions => ({
    method: ['HEAD', 'GET'],
    url,
    handler,
    schema: { hide: schemaHide },
    ...(constraints === undefined ? {} : { constraints }),
    ...(logLevel === undefined ? {} : { logLevel }),
  });
}

async function answerBelow(files: StaticFiles, request: Request, reply: Reply): Promise<Reply> {
  const path = pathBelow(request.raw.url ?? '/', request.routeOptions?.url ?? '/*');
  if (path === undefined) reply.callNotFound();
  else if (path === 'forbidden') reply.send(new StatusError(403));
  else await files.reply(request, reply, path);
  return reply;
}

function decorate(instance: Instance, files: StaticFiles): void {
  instance.decorateReply(
    'sendFile',
    function (this: Reply, path: string, ...rest: (string | ReplyFileOptions | undefined)[]) {
      const [first, second] = rest;
      const said = typeof first === 'object' ? first : ((second as ReplyFileOptions | undefined) ?? {});
      void files.reply(this.request, this, path, typeof first === 'string' ? { ...said, root: first } : said);
      return this;
    },
  );
  instance.decorateReply(
    'download',
    function (this: Reply, path: string, ...rest: (string | ReplyFileOptions | undefined)[]) {
      const [first, second] = rest;
      const said = typeof first === 'object' ? first : ((second as ReplyFileOptions | undefined) ?? {});
      this.header('Content-Disposition', attachmentOf(typeof first === 'string' ? first : path));
      void files.reply(this.request, this, path, said);
      return this;
    },
  );
}
