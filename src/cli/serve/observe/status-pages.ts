import { ALWAYS_REPEATABLE } from '../../../base/repeatable.ts';
import type { AnswerListener } from '../../../http/message/answer-report.ts';
import type {
  Answer,
  Handler,
  PendingAnswer,
  Recipient,
  ServerRequest,
} from '../../../http/message/exchange.ts';
import { tellLater } from '../../../http/message/promised-answer.ts';
import { statusAnswer, textAnswer } from '../../../http/message/status-answer.ts';
import { STATUS_PAGE } from '../../../observe/page.ts';
import type { Status } from '../../../observe/status.ts';

const PAGE_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src " +
  "'self'; img-src data:";
const NOT_STORED = ['Cache-Control', 'no-store'];

/** /_iolite and the figures that it shows. */
export class StatusPages implements Handler {
  readonly letsRepeat = true;
  readonly #read: () => Promise<Status>;

  /** @param read asks the primary */
  constructor(read: () => Promise<Status>) {
    this.#read = read;
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    if (isStatusPage(request)) return tellLater(recipient, () => this.#answer(request));
    recipient.declined(ALWAYS_REPEATABLE);
    return undefined;
  }

  async #answer({ method, target }: ServerRequest): Promise<Answer> {
    if (method !== 'GET' && method !== 'HEAD') return statusAnswer(405, ['Allow', 'GET, HEAD']);
    if (!target.startsWith('/_iolite/')) {
      return textAnswer(200, 'text/html; charset=utf-8', STATUS_PAGE, [
        ...NOT_STORED,
        'Content-Security-Policy',
        PAGE_POLICY,
      ]);
    }
    try {
      return textAnswer(200, 'application/json', JSON.stringify(await this.#read()), NOT_STORED);
    } catch {
      return statusAnswer(503);
    }
  }
}

/** Whether a request is one of those that are not counted. */
export function isStatusPage({ target }: ServerRequest): boolean {
  if (!target.startsWith('/_iolite')) return false;
  const path = pathOf(target);
  return path === '/_iolite' || path === '/_iolite/status.json';
}

function pathOf(target: string): string {
  return target.split('?', 1)[0] as string;
}

/** Listens to answers but for those that show the status. */
export function withoutStatusPages(listener: AnswerListener): AnswerListener {
  return {
    wantsDuration: listener.wantsDuration,
    answered: report => {
      if (report.isRepeated === true || !isStatusPage(report.request)) listener.answered(report);
    },
  };
}
