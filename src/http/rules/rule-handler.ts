import type { Answer, Handler, PendingAnswer, Recipient, ServerRequest } from '../message/exchange.ts';
import { redirectAnswer, statusAnswer } from '../message/status-answer.ts';
import { DressedRecipient, type FailureListener } from './dressed-recipient.ts';
import { RewrittenRequest } from './rewritten-request.ts';
import type { Decision, RuleBook } from './rule-book.ts';

/** Answers by rules, or has others answer whose answers get the fields that rules want. */
export class RuleHandler implements Handler {
  readonly letsRepeat = true;
  readonly takesUpgrades: boolean;
  readonly #book: RuleBook;
  readonly #failed: FailureListener;

  /** @param failed told what those who answer failed with */
  constructor(book: RuleBook, failed: FailureListener) {
    this.#book = book;
    this.takesUpgrades = book.targets.some(({ handler }) => handler.takesUpgrades === true);
    this.#failed = failed;
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    const { path, query } = partsOf(request.target);
    const decision = this.#book.decide(path);
    const { cors, isRefused, redirect, target } = decision;
    const dress = (answer: Answer): Answer => {
      const dressed = this.#book.fieldsFor(decision, answer.file?.path).dress(answer);
      return cors === undefined ? dressed : cors.fieldsFor(request).dress(dressed);
    };
    const own = isRefused
      ? statusAnswer(400)
      : (cors?.preflight(request) ??
        (redirect && redirectAnswer(withQuery(redirect.location, query), redirect.status)));
    if (own !== undefined) {
      recipient.answered(dress(own));
      return undefined;
    }
    const letsRepeat = target.handler.letsRepeat === true;
    const asked = rewritten(request, decision, query);
    return new DressedRecipient(request, recipient, dress, this.#failed, letsRepeat).ask(
      target.handler,
      asked,
    );
  }
}

function rewritten(request: ServerRequest, { path, stripped }: Decision, query: string): ServerRequest {
  if (path === undefined) return request;
  // Where a part was taken off, redirects are to have it.
  const original = stripped === '' ? undefined : (request.originalTarget ?? request.target);
  return new RewrittenRequest(request, path + query, original);
}

/** The path and the query of a target (RFC 9112, 3.2), with its '?'. */
function partsOf(target: string): { readonly path: string; readonly query: string } {
  const origin = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?]*/i, '');
  const at = origin.indexOf('?');
  return at === -1 ? { path: origin, query: '' } : { path: origin.slice(0, at), query: origin.slice(at) };
}

function withQuery(location: string, query: string): string {
  if (location.includes('?')) return location;
  const fragment = location.indexOf('#');
  return fragment === -1 ? location + query : location.slice(0, fragment) + query + location.slice(fragment);
}
