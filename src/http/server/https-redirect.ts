import type { Answer, Handler, Recipient, ServerRequest } from '../message/exchange.ts';
import { redirectAnswer, statusAnswer } from '../message/status-answer.ts';

/** A host without its port, as a URL may have it. */
const HOST = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d*)?$/i;
const HTTPS_PORT = 443;

/** Sends clients of plain HTTP to the same place by HTTPS; 308 keeps the method of all but GET and HEAD. */
export class HttpsRedirect implements Handler {
  readonly #port: () => number;

  /** @param port where HTTPS is spoken, as clients see it; asked for each request */
  constructor(port: () => number) {
    this.#port = port;
  }

  answer(request: ServerRequest, recipient: Recipient): undefined {
    recipient.answered(this.#answerTo(request));
    return undefined;
  }

  #answerTo(request: ServerRequest): Answer {
    const { method, target } = request;
    const absolute = /^http:\/\/([^/?#]*)(.*)$/is.exec(target);
    const [authority, path] = absolute === null ? [undefined, target] : absolute.slice(1);
    const host = HOST.exec(authority ?? request.header('host') ?? '')?.[1];
    if (host === undefined || path === undefined) return statusAnswer(400);
    const place = path.startsWith('/') ? path : `/${path === '*' ? '' : path}`;
    const port = this.#port();
    const at = `https://${host}${port === HTTPS_PORT ? '' : `:${port}`}`;
    return redirectAnswer(at + place, method === 'GET' || method === 'HEAD' ? 301 : 308);
  }
}
