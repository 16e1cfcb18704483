import type { ServerRequest } from '../message/exchange.ts';
import { type HeaderList, without } from '../message/header-list.ts';
import { RewrittenRequest } from '../rules/rewritten-request.ts';

/** Fields by their names in lower case. */
type Fields = ReadonlyMap<string, readonly [name: string, value: string]>;

/** A request with some fields in place of those that the client has sent. */
export class RequestWithFields extends RewrittenRequest {
  readonly #fields: Fields;
  readonly #rawHeaders: HeaderList;

  constructor(request: ServerRequest, fields: Fields) {
    super(request, request.target, request.originalTarget);
    this.#fields = fields;
    this.#rawHeaders = [
      ...without(request.rawHeaders, new Set(fields.keys())),
      ...[...fields.values()].flat(),
    ];
  }

  override get rawHeaders(): HeaderList {
    return this.#rawHeaders;
  }

  override header(name: string): string | undefined {
    return this.#fields.get(name)?.[1] ?? super.header(name);
  }
}
