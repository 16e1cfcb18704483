import * as v from 'valibot';
import { GROUP_FIELDS } from '../../../http/proxy/cache/groups.ts';
import { duration, integer, needed, setting, settings, text } from './schema-parts.ts';

/** The server behind. */
export const OriginSchema = v.pipe(
  text,
  v.url(({ received }) => `a URL as http://127.0.0.1:3000 is wanted, ${received} was given`),
);

const EndpointSchema = v.pipe(
  text,
  v.regex(/^https?:\/\/[^/\s?#]+(\/[^\s?#]*)?$/, ({ received }) => {
    return `a URL as https://objects.example is wanted, ${received} was given`;
  }),
);

/** How an object store is asked. */
const S3Schema = settings({
  region: setting(text, 'of the bucket (AWS_REGION of the environment, or us-east-1)'),
  endpoint: setting(EndpointSchema, "URL of the store, where it is not Amazon's (AWS_ENDPOINT_URL_S3)"),
  pathStyle: setting(v.boolean(), "whether the bucket is in the path (where the store is not Amazon's)"),
  credentials: setting(
    settings({
      accessKeyId: needed(text, 'the public name of the key'),
      secretAccessKey: needed(text, 'the key itself'),
      sessionToken: setting(text, 'of a key that holds for a while (none)'),
    }),
    'who asks (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN)',
  ),
  index: setting(text, 'what a path that ends in a slash means (index.html)'),
});

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
  s3: setting(
    S3Schema,
    'of an origin as s3://bucket/prefix: how the object store is asked (as the environment says)',
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
