import { IoliteError } from '../../base/error.ts';
import { releaseBody } from '../message/body.ts';
import type { Answer } from '../message/exchange.ts';
import { CONTENT_FIELDS, type HeaderList } from '../message/header-list.ts';
import { writeAnswer } from './node-adapter.ts';
import { isUntouched, isWatched } from './node-response.ts';
import type { NodeResponse } from './response-way.ts';

/** What a response's own fields never replace: it is about the bytes that are sent. */
const FRAMING = new Set(['content-length', 'content-range', 'content-encoding']);

/**
 * Sends an answer with a response of which somebody may have said something: fields that are there stay, and
 * a status for a file that is whole.
 * @param method of the request
 * @throws ERR_HTTP_HEADERS_SENT
 */
export async function sendAnswer(response: NodeResponse, answer: Answer, method: string): Promise<void> {
  if (response.headersSent) {
    releaseBody(answer.body);
    throw new IoliteError('ERR_HTTP_HEADERS_SENT', 'Cannot send a file: the header was sent');
  }
  if (isUntouched(response)) {
    await writeAnswer(response, answer, method, isWatched(response));
    return;
  }
  const { status, headers, body } = answer;
  try {
    setMissing(response, headers);
    if (status === 304) for (const name of CONTENT_FIELDS) response.removeHeader(name);
  } catch (error) {
    releaseBody(body);
    throw error;
  }
  // As with serve-static, an application may have said which status a file is for.
  const said = status === 200 ? response.statusCode : status;
  await writeAnswer(response, { status: said, headers: [], body }, method);
}

/** Sets those fields of an answer that the application has not set itself. */
function setMissing(response: NodeResponse, headers: HeaderList): void {
  for (let index = 0; index < headers.length; index += 2) {
    const [name = '', value = ''] = headers.slice(index, index + 2);
    if (name === 'Vary') appendVary(response, value);
    else if (isFraming(name, value) || !response.hasHeader(name)) response.setHeader(name, value);
  }
}

/** Of several parts the type says where each of them ends. */
function isFraming(name: string, value: string): boolean {
  return (
    FRAMING.has(name.toLowerCase()) || (name === 'Content-Type' && value.startsWith('multipart/byteranges'))
  );
}

function appendVary(response: NodeResponse, value: string): void {
  const present = String(response.getHeader('Vary') ?? '');
  if (!present.toLowerCase().includes(value.toLowerCase())) {
    response.setHeader('Vary', present === '' ? value : `${present}, ${value}`);
  }
}
