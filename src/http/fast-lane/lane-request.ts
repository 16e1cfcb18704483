import type { ServerRequest } from '../message/exchange.ts';
import type { ParsedRequest } from './grammar.ts';

/** Whom a request came from. */
interface Client {
  readonly remoteAddress?: string | undefined;
}

/** A request of the fast lane, as handlers see it: what was read, and whom from. */
export class LaneRequest implements ServerRequest {
  readonly #parsed: ParsedRequest;
  readonly #client: Client;
  /** There once the answers before it have been sent. */
  earlyHints?: (links: readonly string[]) => void;

  constructor(parsed: ParsedRequest, client: Client) {
    this.#parsed = parsed;
    this.#client = client;
  }

  get method(): string {
    return this.#parsed.method;
  }

  get target(): string {
    return this.#parsed.target;
  }

  get secure(): boolean {
    return false;
  }

  get remoteAddress(): string | undefined {
    return this.#client.remoteAddress;
  }

  get rawHeaders(): readonly string[] {
    return this.#parsed.rawHeaders;
  }

  get body(): undefined {
    return undefined;
  }

  header(name: string): string | undefined {
    return this.#parsed.fields.get(name);
  }
}
