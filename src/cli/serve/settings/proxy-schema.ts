import * as v from 'valibot';
import { GROUP_FIELDS } from '../../../http/proxy/cache/groups.ts';
import { duration, integer, setting, settings, text } from './schema-parts.ts';

/** The server behind. */
export const OriginSchema = v.pipe(
  text,
  v.url(({ received }) => `a URL as http://127.0.0.1:3000 is wanted, ${received} was given`),
);

/** How an origin is asked: the options of a proxy, by their names. What is added here reaches the proxy. */
export const ProxySchema = settings({
  connections: setting(integer(1, 2 ** 16), 'connections to the origin at most; more requests wait (256)'),
  queueTimeout: setting(duration(1), 'to wait for one of them (10 s); beyond that 503'),
  maxQueue: setting(integer(0, 2 ** 20), 'requests that wait at most (1024); beyond that 503'),
  maxStreams: setting(integer(0, 2 ** 20), 'responses that stay open, and upgrades, beside them (4096)'),
  longAfter: setting(duration(1), 'after which a response is one that stays open (3 s)'),
  connectTimeout: setting(duration(1), 'to connect (10 s)'),
  headersTimeout: setting(duration(0), 'until the head of a response has come (60 s); 0: no bound'),
  bodyTimeout: setting(duration(0), 'between two pieces of a body (60 s); 0: no bound'),
  eventTimeout: setting(duration(0), 'between two pieces of an event stream (0: no bound)'),
  host: setting(text, 'the Host that the origin is told: `client`, `origin`, or this text (origin)'),
  trustForwarded: setting(
    v.union([v.boolean(), v.array(text)]),
    'whether proxies in front are believed where a request came from, for which host and scheme it is: ' +
      'all, none, or those of some addresses, as 10.0.0.0/8, and unix for those on Unix sockets (false)',
  ),
  storeCookies: setting(v.boolean(), 'whether responses with Set-Cookie may be kept (false)'),
  groupFields: setting(
    v.array(v.picklist(GROUP_FIELDS)),
    'fields besides Cache-Groups whose names responses are forgotten by (none)',
  ),
  purge: setting(
    settings({
      token: v.pipe(
        text,
        v.minLength(16, 'a token of 16 characters is wanted'),
        v.description('what they say in Authorization, behind `Bearer`; 16 characters at least'),
      ),
    }),
    'lets who knows the token have responses forgotten, by PURGE (nobody)',
  ),
});
