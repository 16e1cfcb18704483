import type { IoliteError } from '../../../base/error.ts';
import type { Json } from '../../../base/json.ts';
import { protocolError } from '../../../ipc/wire/frame.ts';
import { type HeaderList, isField } from '../../message/header-list.ts';
import { type AnswerHead, decodeAnswer, isOfConnection } from '../app-protocol.ts';

const CONTENT_LENGTH = 'content-length';
const LENGTH = /^\d{1,15}$/;

/** The head of an answer that was found good. */
export interface CheckedAnswer extends AnswerHead {
  /** What Content-Length says. */
  readonly contentLength: number | undefined;
}

/**
 * Frozen heads that were found good: they come again, and so does their list of fields, of which the sender
 * may have the bytes.
 */
const good = new WeakMap<object, CheckedAnswer>();

/**
 * The head of an application's answer.
 * @throws ERR_IOLITE_PROTOCOL when it is none, and when an answer with it could be taken for something else
 *   than it is
 */
export function checkAnswer(head: Json | undefined): CheckedAnswer {
  const known = typeof head === 'object' && head !== null ? good.get(head) : undefined;
  if (known !== undefined) return known;
  const answer = decodeAnswer(head);
  const checked = { ...answer, contentLength: contentLengthOf(answer.headers) };
  if (Object.isFrozen(head)) good.set(head as object, checked);
  return checked;
}

/**
 * What the only Content-Length of a list says. @throws ERR_IOLITE_PROTOCOL unless each of its fields may be
 * sent
 */
function contentLengthOf(headers: HeaderList): number | undefined {
  let contentLength: number | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    if (!isField(name, value) || isOfConnection(name)) throw forbidden(name);
    if (name.length !== CONTENT_LENGTH.length || name.toLowerCase() !== CONTENT_LENGTH) continue;
    if (contentLength !== undefined || !LENGTH.test(value)) throw forbidden(name);
    contentLength = Number(value);
  }
  return contentLength;
}

function forbidden(name: string): IoliteError {
  return protocolError(`it answered with a header that it may not: ${JSON.stringify(name.slice(0, 40))}`);
}
