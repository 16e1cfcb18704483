import type { Repeatable } from '../../base/repeatable.ts';
import { releaseBody } from '../message/body.ts';
import type { Answer, Handler, PendingAnswer, Recipient, ServerRequest } from '../message/exchange.ts';
import { isPageRequest } from './page-request.ts';
import type { StaticSite } from './site.ts';

/**
 * The page of a single-page application in front of an origin or an application: it answers what these have
 * answered with 404, or left to others, where a page is asked for; and nothing else of theirs.
 */
export class FallbackPage implements Handler {
  readonly letsRepeat: boolean;
  readonly takesUpgrades: boolean;
  readonly #behind: Handler;
  readonly #site: StaticSite;

  /** @param site whose page it is */
  constructor(behind: Handler, site: StaticSite) {
    this.#behind = behind;
    this.letsRepeat = behind.letsRepeat === true;
    this.takesUpgrades = behind.takesUpgrades === true;
    this.#site = site;
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    if (!isPageRequest(request)) return this.#behind.answer(request, recipient);
    return new PageWait(this.#site, request, recipient).ask(this.#behind);
  }
}

/** The wait for what those behind say of one request, and for the page. */
class PageWait implements Recipient, PendingAnswer {
  readonly #site: StaticSite;
  readonly #request: ServerRequest;
  readonly #recipient: Recipient;
  #pending: PendingAnswer | undefined;
  #isTold = false;

  constructor(site: StaticSite, request: ServerRequest, recipient: Recipient) {
    this.#site = site;
    this.#request = request;
    this.#recipient = recipient;
  }

  ask(behind: Handler): PendingAnswer | undefined {
    const pending = behind.answer(this.#request, this);
    this.#pending ??= pending;
    return this.#isTold ? undefined : this;
  }

  get comesSoon(): boolean {
    return this.#pending?.comesSoon === true;
  }

  giveUp(): void {
    this.#pending?.giveUp();
  }

  answered(answer: Answer, repeatable?: Repeatable): void {
    if (answer.status === 404) this.#askForPage(answer);
    else this.#tell(() => this.#recipient.answered(answer, repeatable));
  }

  declined(): void {
    this.#askForPage(undefined);
  }

  failed(error: unknown): void {
    this.#tell(() => this.#recipient.failed(error));
  }

  /** @param otherwise the answer where there is no page */
  #askForPage(otherwise: Answer | undefined): void {
    this.#pending = this.#site.answerPage(this.#request, {
      answered: page => {
        releaseBody(otherwise?.body);
        this.#tell(() => this.#recipient.answered(page));
      },
      declined: () => {
        this.#tell(() =>
          otherwise === undefined ? this.#recipient.declined() : this.#recipient.answered(otherwise),
        );
      },
      failed: error => {
        releaseBody(otherwise?.body);
        this.#tell(() => this.#recipient.failed(error));
      },
    });
  }

  #tell(how: () => void): void {
    this.#isTold = true;
    how();
  }
}
