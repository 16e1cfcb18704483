import { ALWAYS_REPEATABLE } from '../../../base/repeatable.ts';
import type { Handler, PendingAnswer, Recipient, ServerRequest } from '../../../http/message/exchange.ts';
import { statusAnswer, textAnswer } from '../../../http/message/status-answer.ts';

/** Where who watches processes asks whether this one lives. */
export const HEALTH = '/health';
/** Where who sends requests asks whether they should come here. */
export const READY = '/ready';

/** For those who watch processes, and for those who send them requests: whether they should. */
export class HealthPages implements Handler {
  readonly letsRepeat = true;
  readonly #isReady: () => boolean;

  /** @param isReady whether requests should be sent here */
  constructor(isReady: () => boolean) {
    this.#isReady = isReady;
  }

  answer({ method, target }: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    const path = target.split('?', 1)[0];
    if (path !== HEALTH && path !== READY) {
      recipient.declined(ALWAYS_REPEATABLE);
      return undefined;
    }
    const text = path === HEALTH ? 'healthy\n' : 'ready\n';
    if (method !== 'GET' && method !== 'HEAD') recipient.answered(statusAnswer(405, ['Allow', 'GET, HEAD']));
    else if (path === READY && !this.#isReady()) {
      recipient.answered(statusAnswer(503));
    } else recipient.answered(textAnswer(200, 'text/plain', text, ['Cache-Control', 'no-store']));
    return undefined;
  }
}
