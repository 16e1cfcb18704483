import { ArgumentError } from '../../base/error.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { Answer, ServerRequest } from '../message/exchange.ts';
import { FieldSet, troubleOfField } from './field-set.ts';
import { compileGlob } from './glob.ts';

/** Who may read answers from pages of other sites (the Fetch standard, CORS protocol). */
export interface CorsOptions {
  /** Origins as `https://app.example.com`, also with `*` for a part of the name; '*' for all. Default '*'. */
  readonly origins?: string | readonly string[] | undefined;
  /** Methods that are allowed besides GET, HEAD and POST. Default: the one that a preflight asks for. */
  readonly methods?: readonly string[] | undefined;
  /** Fields of requests that are allowed. Default: those that a preflight asks for. */
  readonly allowedHeaders?: readonly string[] | undefined;
  /** Fields of answers that pages may read. */
  readonly exposedHeaders?: readonly string[] | undefined;
  /** Whether cookies are sent along. Default false. */
  readonly credentials?: boolean | undefined;
  /** Seconds for which a browser need not ask again. Default: what the browser thinks. */
  readonly maxAge?: number | undefined;
}

const MAX_ORIGINS = 1000;

/** The CORS protocol: fields for answers, and answers to preflights. */
export class Cors {
  readonly #options: CorsOptions;
  readonly #isForAll: boolean;
  readonly #isAllowed: (origin: string) => boolean;
  /** By origin; of requests without one by ''. */
  readonly #sets = new RecentMap<string, FieldSet>(MAX_ORIGINS);

  /** @throws ERR_IOLITE_ARGUMENT */
  constructor(options: CorsOptions) {
    const trouble = troubleOfCors(options);
    if (trouble !== undefined) throw new ArgumentError(`Cannot use cors: ${trouble}`);
    const { origins = '*', credentials = false } = options;
    const list = typeof origins === 'string' ? [origins] : origins;
    this.#options = options;
    this.#isForAll = list.includes('*') && !credentials;
    // Only the star is more than itself: an IPv6 address has brackets.
    const matches = list.map(each => compileGlob(each.replace(/[^*]/g, '\\$&').replace(/\*+/g, '*')));
    this.#isAllowed = list.includes('*')
      ? () => true
      : origin => !origin.endsWith('/') && matches.some(match => match(origin) !== undefined);
  }

  /** The fields of an answer to a request. */
  fieldsFor(request: ServerRequest): FieldSet {
    const origin = this.#isForAll ? '' : (request.header('origin') ?? '');
    let set = this.#sets.get(origin);
    if (set === undefined) {
      set = new FieldSet(this.#fieldsOf(origin));
      this.#sets.set(origin, set);
    }
    return set;
  }

  /** The answer to a preflight; undefined where a request is none. */
  preflight(request: ServerRequest): Answer | undefined {
    const method = request.header('access-control-request-method');
    if (request.method !== 'OPTIONS' || method === undefined || request.header('origin') === undefined) {
      return undefined;
    }
    const { methods, allowedHeaders, maxAge } = this.#options;
    const asked = request.header('access-control-request-headers');
    const headers = ['Access-Control-Allow-Methods', methods?.join(', ') ?? method];
    const allowed = allowedHeaders?.join(', ') ?? asked;
    if (allowed !== undefined) headers.push('Access-Control-Allow-Headers', allowed);
    if (maxAge !== undefined) headers.push('Access-Control-Max-Age', String(maxAge));
    headers.push('Vary', 'Access-Control-Request-Method, Access-Control-Request-Headers');
    return this.fieldsFor(request).dress({ status: 204, headers, body: undefined });
  }

  #fieldsOf(origin: string): string[] {
    const { exposedHeaders = [], credentials = false } = this.#options;
    const fields = this.#isForAll ? [] : ['Vary', 'Origin'];
    const isAllowed = this.#isForAll || (origin !== '' && this.#isAllowed(origin));
    if (!isAllowed) return fields;
    fields.push('Access-Control-Allow-Origin', this.#isForAll ? '*' : origin);
    if (credentials) fields.push('Access-Control-Allow-Credentials', 'true');
    if (exposedHeaders.length > 0) fields.push('Access-Control-Expose-Headers', exposedHeaders.join(', '));
    return fields;
  }
}

/** What is wrong with options, for people; undefined when nothing is. */
export function troubleOfCors(options: CorsOptions): string | undefined {
  const { origins = '*', credentials, methods = [], allowedHeaders = [], exposedHeaders = [] } = options;
  const list = typeof origins === 'string' ? [origins] : origins;
  const wrong = list.find(
    each => each !== '*' && each !== 'null' && !/^[a-z][a-z0-9+.-]*:\/\/[^/\s]+$/i.test(each),
  );
  if (wrong !== undefined) return `an origin as https://example.com is wanted, ${wrong} was given`;
  if (list.includes('*') && credentials === true) {
    return 'credentials are for origins that are named: anybody could read what is meant for one user';
  }
  return [...methods, ...allowedHeaders, ...exposedHeaders]
    .map(each => troubleOfField(each, '')?.replace('of a field', 'of a field or method'))
    .find(each => each?.includes('no name'));
}
