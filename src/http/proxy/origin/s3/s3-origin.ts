import { fieldOf, type HeaderList } from '../../../message/header-list.ts';
import { parseHttpDate } from '../../../message/http-date.ts';
import { HttpOrigin, type OriginLimits } from '../http-origin.ts';
import type { Exchange, Origin, OriginRequest, Receive, ResponseHead } from '../origin.ts';
import { ReceivedBody } from '../received-body.ts';
import { encodedKey, type S3Options, type S3Place, s3PlaceOf } from './s3-options.ts';
import { S3Signer } from './s3-signer.ts';

/** What of a request is for the store: the rest is for servers. */
const PASSED_ON = new Set([
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
]);
/** What it says of a refusal is not longer. */
const MAX_EXPLANATION_BYTES = 16 * 1024;

/** What became of a request: a result, or that the store refuses it, and what it says of that. */
type Outcome<T> = { readonly result: T } | { readonly refusal: ResponseHead; readonly text: Promise<string> };

/**
 * A bucket of an object store that speaks the protocol of S3, as an origin: what is asked for is a key. Only
 * GET and HEAD go there, without their query, and nothing of the client but its conditions and ranges.
 */
export class S3Origin implements Origin {
  readonly url: string;
  readonly #place: S3Place;
  readonly #signer: S3Signer;
  readonly #http: HttpOrigin;
  readonly #complain: (message: string) => void;

  /** @throws ERR_IOLITE_ARGUMENT, ERR_IOLITE_RANGE */
  constructor(url: URL, options: S3Options | undefined, limits: OriginLimits) {
    this.#place = s3PlaceOf(url, options);
    this.url = this.#place.url;
    this.#signer = new S3Signer(this.#place);
    this.#http = new HttpOrigin(this.url, limits);
    this.#complain = limits.complain ?? (message => process.emitWarning(message));
  }

  send<T>(request: OriginRequest, receive: Receive<T>): Exchange<T> {
    let sent: Exchange<unknown> | undefined;
    let isAborted = false;
    const ask = async (tries: number): Promise<T> => {
      const path = this.#pathOf(request.path);
      if (request.method !== 'GET' && request.method !== 'HEAD')
        return answered(receive, 405, ['Allow', 'GET, HEAD']);
      if (path === undefined) return answered(receive, 400);
      const signed = await this.#signer.sign(request.method, path);
      if (isAborted) throw new DOMException('Nobody waits for the response any more', 'AbortError');
      const headers = [...signed, ...passedOn(request.headers)];
      const exchange = this.#http.send<Outcome<T>>(
        { method: request.method, path, headers, body: undefined },
        (head, body) => this.#received(head, body, receive),
      );
      sent = exchange;
      const outcome = await exchange.received;
      if ('result' in outcome) return outcome.result;
      const { refusal } = outcome;
      const code = /<Code>(\w+)<\/Code>/.exec(await outcome.text)?.[1] ?? '';
      const storeTime = parseHttpDate(fieldOf(refusal.headers, 'date') ?? '');
      if (code === 'RequestTimeTooSkewed' && storeTime !== undefined && tries > 0) {
        this.#signer.learn(storeTime);
        return ask(tries - 1);
      }
      return answered(receive, this.#statusOf(refusal.status, code), [], refusal);
    };
    return {
      received: ask(1),
      abort: () => {
        isAborted = true;
        sent?.abort();
      },
    };
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  #received<T>(head: ResponseHead, body: ReceivedBody, receive: Receive<T>): Outcome<T> {
    const { status } = head;
    if (status === 304 || status === 412 || status === 416 || (status >= 200 && status < 300))
      return { result: receive({ ...head, headers: headersOf(head) }, body) };
    return { refusal: head, text: textOf(body) };
  }

  /** What the store is asked for. @returns undefined for what is no key */
  #pathOf(target: string): string | undefined {
    const [path = '/'] = target.split('?', 1);
    const key = encodedKey(path.endsWith('/') ? path + this.#place.index : path);
    return key === undefined ? undefined : this.#place.start + key;
  }

  /**
   * What its refusals are for a client. To who may not list a bucket the store does not say that there is no
   * such key, but that it is not allowed to ask.
   */
  #statusOf(status: number, code: string): number {
    if (status === 404 && code !== 'NoSuchBucket') return 404;
    if (status === 403 && (code === 'AccessDenied' || code === '')) return 404;
    if (status === 503 || status === 429) return 503;
    if (status < 500) this.#complain(`The object store ${this.url} answered with ${status} ${code}`);
    return 502;
  }
}

function passedOn(headers: HeaderList): string[] {
  const list: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const [name = '', value = ''] = headers.slice(index, index + 2);
    if (PASSED_ON.has(name.toLowerCase())) list.push(name, value);
  }
  return list;
}

/** Without what the store says of itself. */
function headersOf({ headers }: ResponseHead): string[] {
  const list: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const [name = '', value = ''] = headers.slice(index, index + 2);
    if (!/^(x-amz-|server$)/i.test(name)) list.push(name, value);
  }
  return list;
}

/** An answer of this side's own, without content. */
function answered<T>(
  receive: Receive<T>,
  status: number,
  headers: HeaderList = [],
  { requestedAt, receivedAt }: Pick<ResponseHead, 'requestedAt' | 'receivedAt'> = {
    requestedAt: Date.now(),
    receivedAt: Date.now(),
  },
): T {
  const body = new ReceivedBody({ pause() {}, resume() {}, abort() {} });
  const result = receive(
    { status, headers: ['Content-Length', '0', ...headers], requestedAt, receivedAt },
    body,
  );
  body.end();
  return result;
}

/** What a refusal says, as far as it is short; '' where it breaks off. */
async function textOf(body: ReceivedBody): Promise<string> {
  const reader = body.reader();
  body.close();
  let text = '';
  try {
    for await (const piece of reader) {
      text += piece.toString('latin1');
      piece.release();
      if (text.length > MAX_EXPLANATION_BYTES) break;
    }
  } catch {
    return '';
  }
  return text;
}
