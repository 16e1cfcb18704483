import * as v from 'valibot';
import { duration, integer, setting, settings, text } from './schema-parts.ts';

/** The server behind. */
export const OriginSchema = v.pipe(text, v.url('a URL is wanted'));

/** How an origin is asked: the options of a proxy, by their names. What is added here reaches the proxy. */
export const ProxySchema = settings({
  connections: setting(integer(1, 2 ** 16), 'connections to the origin at most; more requests wait (256)'),
  connectTimeout: setting(duration(1), 'to connect (10 s)'),
  headersTimeout: setting(duration(0), 'until the head of a response has come (30 s); 0: no bound'),
  bodyTimeout: setting(duration(0), 'between two pieces of a body (30 s); 0: no bound'),
  trustForwarded: setting(
    v.boolean(),
    'whether a proxy in front is believed for which host and scheme a request is (false)',
  ),
  storeCookies: setting(v.boolean(), 'whether responses with Set-Cookie may be kept (false)'),
});
