import type { ServerRequest } from '../message/exchange.ts';
import { hintsHead } from './answer-head.ts';
import type { ParsedRequest } from './grammar.ts';

/** Whom a request came from. */
export interface LaneClient {
  readonly remoteAddress?: string | undefined;
}

/** Who sends hints ahead of an answer. */
export interface HintSender {
  hinted(hints: Buffer): void;
}

/** A request of the fast lane, as handlers see it: what was read, and whom from. */
export class LaneRequest implements ServerRequest {
  readonly #parsed: ParsedRequest;
  readonly #client: LaneClient;
  /** Hints, which may have come before they could be sent: answers to earlier requests go first. */
  #hints: Buffer | undefined;
  #sender: HintSender | undefined;

  constructor(parsed: ParsedRequest, client: LaneClient) {
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

  /** @throws ERR_IOLITE_ARGUMENT for a link that cannot be sent */
  earlyHints(links: readonly string[]): void {
    if (links.length === 0 || this.#hints !== undefined) return;
    this.#hints = hintsHead(links);
    this.#sender?.hinted(this.#hints);
  }

  /** Where hints go from now on, those that came before as well. */
  hintTo(sender: HintSender): void {
    this.#sender = sender;
    if (this.#hints !== undefined) sender.hinted(this.#hints);
  }
}
