import * as v from 'valibot';
import { type CorsOptions, troubleOfCors } from '../../../http/rules/cors.ts';
import { isHostPattern } from '../../../http/rules/host-handler.ts';
import { troubleOfPattern } from '../../../http/rules/path-pattern.ts';
import { AppSchema } from './app-schema.ts';
import { OriginSchema, ProxySchema } from './proxy-schema.ts';
import { fields, integer, plainDuration, setting, settings, text } from './schema-parts.ts';
import { CertificateSchema } from './tls-schema.ts';

const names = v.union([text, v.array(text), v.literal(false)]);

/** How files are served. */
const SiteSchema = settings({
  index: setting(names, 'files to look for when a directory is asked for; false for none (index.html)'),
  extensions: setting(
    v.union([v.array(text), v.literal(false)]),
    'extensions to try for a name that no file has',
  ),
  cleanUrls: setting(v.boolean(), 'pages have names without .html, and are redirected to these (false)'),
  trailingSlash: setting(
    v.boolean(),
    'whether paths of pages end with a slash; the others are redirected to these',
  ),
  redirect: setting(v.boolean(), 'redirects to the path that a file is to be asked for by (true)'),
  dotfiles: setting(
    v.picklist(['allow', 'deny', 'ignore']),
    'names that begin with a dot: served, 403, or as if they were not there (ignore)',
  ),
  wellKnown: setting(v.boolean(), 'serves /.well-known/ whatever dotfiles says (true)'),
  symlinks: setting(
    v.picklist(['inside', 'deny', 'follow']),
    'links below the directory: followed inside of it, never, or wherever they lead (inside)',
  ),
  listing: setting(v.boolean(), 'lists directories without an index file (false)'),
  fallback: setting(text, 'page of a single-page application: what is sent for a page that is not there'),
  cacheControl: setting(v.union([v.boolean(), text]), 'the field itself; false leaves it away'),
  maxAge: setting(plainDuration, 'how long clients may keep files (0)'),
  immutable: setting(v.boolean(), 'tells clients that files do not change within maxAge (false)'),
  encodings: setting(v.boolean(), 'sends forms in other codings (true)'),
  mediaTypes: setting(v.record(text, mediaType()), 'media types by extension, before those that are known'),
  headers: setting(fields, 'fields of all answers that are made from the directory, errors included'),
  errorPages: setting(
    v.record(v.pipe(v.string(), v.regex(/^[45]\d\d$/, 'an error status is wanted')), text),
    'files that are sent with error statuses',
  ),
});

const CorsSchema = v.union([
  v.boolean(),
  v.pipe(
    settings({
      origins: setting(v.union([text, v.array(text)]), "as https://app.example.com; '*' for all ('*')"),
      methods: setting(v.array(text), 'that are allowed (the one that is asked for)'),
      allowedHeaders: setting(v.array(text), 'of requests (those that are asked for)'),
      exposedHeaders: setting(v.array(text), 'of answers, that pages may read'),
      credentials: setting(v.boolean(), 'whether cookies are sent along (false)'),
      maxAge: setting(integer(0), 'seconds for which a browser need not ask again'),
    }),
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed ? troubleOfCors(dataset.value as CorsOptions) : undefined;
      if (message !== undefined) addIssue({ message });
    }),
  ),
]);

const pattern = v.pipe(
  text,
  v.rawCheck(({ dataset, addIssue }) => {
    const message = dataset.typed ? troubleOfPattern(dataset.value) : undefined;
    if (message !== undefined) addIssue({ message });
  }),
);
const path = v.pipe(text, v.startsWith('/', "a path that begins with '/' is wanted"));

const RedirectSchema = settings({
  to: v.pipe(text, v.description('a path or URL; $1 is what the first * of the pattern meant')),
  status: setting(v.picklist([301, 302, 303, 307, 308]), 'of the redirect (301)'),
});

/** Who answers, wherever that can be said. */
const answerers = {
  root: setting(text, 'directory whose files are served'),
  site: setting(SiteSchema, 'how they are served'),
  app: setting(AppSchema, 'application that answers what no file does'),
  origin: setting(OriginSchema, 'server behind, which answers what no file does'),
  proxy: setting(ProxySchema, 'how the origin is asked'),
};

const RuleSchema = v.pipe(
  settings({
    match: v.pipe(
      v.union([pattern, v.pipe(v.array(pattern), v.nonEmpty('a pattern is wanted'))]),
      v.description('paths: a glob (/assets/**), all below a folder (/api/), or one; or several of these'),
    ),
    headers: setting(fields, 'fields of all answers, whoever gives them; null takes one away'),
    cacheControl: setting(text, 'Cache-Control of answers that succeed'),
    maxAge: setting(plainDuration, 'how long clients may keep them'),
    immutable: setting(v.boolean(), 'tells clients that they do not change within maxAge (a year)'),
    cors: setting(CorsSchema, 'who may read answers from pages of other sites; true: all'),
    redirect: setting(v.union([text, RedirectSchema]), 'path or URL to go to; $1 is what the first * meant'),
    rewrite: setting(path, 'path that is looked for in place of the one that was sent; $1 as in redirect'),
    strip: setting(path, 'beginning of the path that whoever answers by this rule does not see'),
    fallback: setting(text, 'page of a single-page application: site.fallback for these paths'),
    ...answerers,
  }),
  v.check(
    rule => Object.keys(rule).length > 1,
    'it says nothing of its paths: headers, cacheControl, redirect, origin, ... are wanted',
  ),
);

/** What is served: to all hosts, or to one. */
export const contentEntries = {
  ...answerers,
  headers: setting(
    fields,
    'fields of all answers: of files and origins, of errors, redirects and preflights; null takes one away',
  ),
  cors: setting(CorsSchema, 'who may read answers from pages of other sites; true: all'),
  rules: setting(v.array(RuleSchema), 'what holds for paths, in order'),
};

const HostSchema = settings({
  ...contentEntries,
  tls: setting(
    v.union([CertificateSchema, v.array(CertificateSchema)]),
    'certificates for its clients, in place of those of tls that have its name',
  ),
});

export const HostsSchema = v.record(
  v.pipe(text, v.check(isHostPattern, "a name, or a name behind '*.', is wanted")),
  HostSchema,
);

export type SiteConfig = v.InferOutput<typeof SiteSchema>;
export type RuleConfig = v.InferOutput<typeof RuleSchema>;
export type HostConfig = v.InferOutput<typeof HostSchema>;
export type ContentConfig = Omit<HostConfig, 'tls'>;

function mediaType() {
  return v.pipe(text, v.regex(/^[\w.+-]+\/[\w.+-]+(\s*;.*)?$/, 'a media type as text/plain is wanted'));
}
