import type { RequestBody } from '../message/body.ts';
import type { Fidelity, RequestNotes, ServedFile, ServerRequest, Stated } from '../message/exchange.ts';
import type { HeaderList } from '../message/header-list.ts';

/** A request for another path than the one that was sent. */
export class RewrittenRequest implements ServerRequest {
  readonly target: string;
  readonly originalTarget: string | undefined;
  readonly #request: ServerRequest;

  /** @param originalTarget what redirects are made from, where that is another one */
  constructor(request: ServerRequest, target: string, originalTarget: string | undefined) {
    this.#request = request;
    this.target = target;
    this.originalTarget = originalTarget;
  }

  get method(): string {
    return this.#request.method;
  }

  get redirects(): number | undefined {
    return this.#request.redirects;
  }

  get secure(): boolean {
    return this.#request.secure;
  }

  get remoteAddress(): string | undefined {
    return this.#request.remoteAddress;
  }

  get rawHeaders(): HeaderList {
    return this.#request.rawHeaders;
  }

  get notes(): RequestNotes | undefined {
    return this.#request.notes;
  }

  get body(): RequestBody | undefined {
    return this.#request.body;
  }

  get fidelity(): Fidelity | undefined {
    return this.#request.fidelity;
  }

  get upgrade(): string | undefined {
    return this.#request.upgrade;
  }

  header(name: string): string | undefined {
    return this.#request.header(name);
  }

  earlyHints(links: readonly string[]): void {
    this.#request.earlyHints?.(links);
  }

  interim(status: number, headers: HeaderList): void {
    this.#request.interim?.(status, headers);
  }

  stated(file: ServedFile): Stated | undefined {
    return this.#request.stated?.(file);
  }
}
