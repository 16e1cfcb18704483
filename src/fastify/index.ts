/** Files of a directory as a plugin of Fastify. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ServeStaticOptions, serveStatic } from '../http/node/serve-static.ts';

/** Options of {@link fastifyStatic}: those of serveStatic, and where the files are. */
export interface FastifyStaticOptions extends ServeStaticOptions {
  /** The directory. It need not be there yet. */
  readonly root: string;
  /** Below which path; Fastify's own option. Default: at the root of the instance. */
  readonly prefix?: string;
}

/** What the plugin uses of Fastify, which therefore need not be installed for iolite's sake. */
interface Instance {
  readonly prefix: string;
  route(options: {
    method: ('GET' | 'HEAD')[];
    url: string;
    handler: (request: FastifyRequest, reply: FastifyReply) => void;
  }): unknown;
}

interface FastifyRequest {
  readonly raw: unknown;
}

interface FastifyReply {
  readonly raw: unknown;
  getHeaders(): Record<string, number | string | string[] | undefined>;
  callNotFound(): unknown;
  send(payload: unknown): unknown;
}

/**
 * Serves the files of a directory for all GET and HEAD requests below the prefix that no other route takes.
 * What there is no file for goes to the instance's handler of unknown routes; errors go to its error handler.
 * Hooks that come before the handler run, and fields that they set are sent; those that change payloads
 * (onSend) are not asked, as there is no payload in Fastify's sense.
 * @throws ERR_IOLITE_ARGUMENT
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
  { root, prefix: _, ...options }: FastifyStaticOptions,
): Promise<void> {
  const serve = serveStatic(root, options);
  const mount = instance.prefix.replace(/\/+$/, '');
  const handler = (request: FastifyRequest, reply: FastifyReply): void => {
    const incoming = request.raw as IncomingMessage & { originalUrl?: string };
    const response = reply.raw as ServerResponse;
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) response.setHeader(name, value);
    }
    const { url = '/' } = incoming;
    // As Connect does it: the path below the mount, and the whole where redirects are made of.
    incoming.originalUrl = url;
    incoming.url = below(mount, url);
    serve(incoming, response, error => {
      incoming.url = url;
      if (error === undefined) reply.callNotFound();
      else reply.send(error);
    });
  };
  for (const url of ['/', '/*']) instance.route({ method: ['GET', 'HEAD'], url, handler });
}

function below(mount: string, url: string): string {
  // A router takes %61 for a: such a spelling of the mount itself is left alone, and names nothing.
  const rest = url.startsWith(mount) ? url.slice(mount.length) : url;
  return rest.startsWith('/') ? rest : `/${rest}`;
}
