import type { ServerRequest } from '../message/exchange.ts';
import { fieldOf, type HeaderList, without } from '../message/header-list.ts';
import { RewrittenRequest } from '../rules/rewritten-request.ts';

/** Of a body, which went to who redirected. */
const OF_BODY = new Set([
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'expect',
]);

/** What is asked in place of a request that was redirected inside of the server: without a body. */
export class LocalRequest extends RewrittenRequest {
  readonly #redirects: number;
  readonly #method: string;
  readonly #fields: HeaderList;

  constructor(request: ServerRequest, target: string) {
    super(request, target, undefined);
    this.#redirects = (request.redirects ?? 0) + 1;
    this.#method = request.method === 'HEAD' ? 'HEAD' : 'GET';
    this.#fields = without(request.rawHeaders, OF_BODY);
  }

  override get redirects(): number {
    return this.#redirects;
  }

  override get method(): string {
    return this.#method;
  }

  override get body(): undefined {
    return undefined;
  }

  /** It is another request. */
  override get notes(): undefined {
    return undefined;
  }

  override get rawHeaders(): HeaderList {
    return this.#fields;
  }

  override header(name: string): string | undefined {
    return fieldOf(this.#fields, name);
  }
}
