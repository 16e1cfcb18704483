import type { Answer, Handler, PendingAnswer, Recipient, ServerRequest } from '../message/exchange.ts';
import type { Cors } from './cors.ts';
import { DressedRecipient, type FailureListener } from './dressed-recipient.ts';
import type { FieldSet } from './field-set.ts';

/** A handler all of whose answers have certain fields, and which speaks CORS where that is wanted. */
export class DressedHandler implements Handler {
  readonly letsRepeat = true;
  readonly takesUpgrades: boolean;
  readonly #handler: Handler;
  readonly #fields: FieldSet;
  readonly #cors: Cors | undefined;
  readonly #failed: FailureListener;

  /** @param failed told what the handler failed with */
  constructor(handler: Handler, fields: FieldSet, cors: Cors | undefined, failed: FailureListener) {
    this.#handler = handler;
    this.takesUpgrades = handler.takesUpgrades === true;
    this.#fields = fields;
    this.#cors = cors;
    this.#failed = failed;
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    const dress = (answer: Answer): Answer => {
      const cors = this.#cors?.fieldsFor(request);
      const dressed = this.#fields.dress(answer);
      return cors === undefined ? dressed : cors.dress(dressed);
    };
    const preflight = this.#cors?.preflight(request);
    if (preflight !== undefined) {
      recipient.answered(dress(preflight));
      return undefined;
    }
    const letsRepeat = this.#handler.letsRepeat === true;
    return new DressedRecipient(request, recipient, dress, this.#failed, letsRepeat).ask(
      this.#handler,
      request,
    );
  }
}
