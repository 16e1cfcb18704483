import type { ServerRequest } from '../../http/message/exchange.ts';
import type { HeaderList } from '../../http/message/header-list.ts';
import type { SignedPull } from './pull-signature.ts';

/** Fields between machines, and of the connection. */
const OURS = /^(iolite-.*|host|connection|keep-alive)$/i;

/** What a machine pulls, as the client's own request, had it come here. */
export class PulledRequest implements ServerRequest {
  readonly method: string;
  readonly target: string;
  readonly secure: boolean;
  readonly remoteAddress: string | undefined;
  readonly body = undefined;
  readonly #request: ServerRequest;
  #rawHeaders: HeaderList | undefined;

  /** @param request as the other machine has sent it */
  constructor(request: ServerRequest, { target, client }: SignedPull) {
    this.#request = request;
    this.method = request.method;
    this.target = target;
    this.secure = /^https:/i.test(target);
    this.remoteAddress = client;
  }

  get rawHeaders(): HeaderList {
    const { rawHeaders } = this.#request;
    this.#rawHeaders ??= rawHeaders.filter((_, index) => !OURS.test(rawHeaders[index & ~1] as string));
    return this.#rawHeaders;
  }

  header(name: string): string | undefined {
    return OURS.test(name) ? undefined : this.#request.header(name);
  }
}
