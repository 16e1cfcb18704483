import { Readable } from 'node:stream';
import { releaseBody } from '../http/message/body.ts';
import type { Answer, Stated } from '../http/message/exchange.ts';
import { CONTENT_FIELDS, rangeFieldOf } from '../http/message/header-list.ts';
import { fidelityBelow } from '../http/message/negotiation.ts';
import { StatusError } from '../http/message/status-error.ts';
import { copiesOf } from '../http/node/body-stream.ts';
import { serverRequest, writeAnswer } from '../http/node/node-adapter.ts';
import { isUntouched, isWatched } from '../http/node/node-response.ts';
import type { SentFile } from '../http/node/set-headers.ts';
import type { ChosenFiles } from '../http/site/chosen-files.ts';
import type { FoundFile } from '../http/site/site-files.ts';
import { hasSendHooks, type Reply, type Request } from './framework.ts';

/** Of what a reply says these are about the bytes that are sent. */
const FRAMING = new Set(['content-length', 'content-range', 'content-encoding']);

/** What a plugin says of each file. */
export interface FileSaying {
  readonly setHeaders?: ((reply: Reply, path: string, file: SentFile) => unknown) | undefined;
  readonly contentType?: boolean | undefined;
  /** Whether Vary says that there may be other codings, also where there is none of a file. */
  readonly varies?: boolean | undefined;
}

/**
 * Sends a file by a reply. Where no hook of the route is to see the payload it goes past Fastify, to the
 * response itself; otherwise hooks get a stream of copies.
 * @param found its snapshot is taken over
 * @throws what setHeaders throws; StatusError for a condition that fails
 */
export async function replyWith(
  { request, reply }: { readonly request: Request; readonly reply: Reply },
  files: ChosenFiles,
  found: FoundFile,
  { setHeaders, contentType, varies }: FileSaying,
): Promise<void> {
  const hooked = hasSendHooks(request);
  const before = reply.getHeaders();
  let failure: { readonly error: unknown } | undefined;
  let own: ReadonlySet<string> = new Set();
  const stated = (file: SentFile): Stated | undefined => {
    try {
      setHeaders?.(reply, file.path ?? '', file);
    } catch (error) {
      failure = { error };
    }
    const after = reply.getHeaders();
    own = new Set(Object.keys(after).filter(name => after[name] !== before[name]));
    const { statusCode } = reply;
    const isSuccess = (statusCode >= 200 && statusCode < 300) || statusCode === 304;
    if (own.size === 0 && isSuccess) return undefined;
    const said = (name: string): string | undefined => (own.has(name) ? String(after[name]) : undefined);
    return { etag: said('etag'), lastModified: said('last-modified'), isSuccess };
  };
  const fidelity = hooked
    ? fidelityBelow(request.raw.headers['accept-encoding'] as string | undefined)
    : undefined;
  const asked = serverRequest(request.raw, { response: reply.raw, fidelity, stated });
  const answer = files.answer(asked, found);
  if (failure !== undefined || answer.status >= 400) {
    releaseBody(answer.body);
    if (failure !== undefined) throw failure.error;
    const fields = rangeFieldOf(answer.headers);
    if (fields[1] !== undefined) reply.header('Content-Range', fields[1]);
    throw new StatusError(answer.status, fields);
  }
  try {
    say(reply, answer, own, contentType !== false);
    if (varies === true) reply.header('Vary', joined(reply.getHeaders().vary, 'Accept-Encoding'));
  } catch (error) {
    releaseBody(answer.body);
    throw error;
  }
  if (hooked) reply.send(withPath(payloadOf(answer, asked.method), answer.file?.path));
  else await sendPast(reply, answer, asked.method);
}

/** Has the reply say what the answer says, but for what setHeaders has said. */
function say(reply: Reply, { status, headers }: Answer, own: ReadonlySet<string>, hasType: boolean): void {
  if (reply.statusCode === 200 || status !== 200) reply.code(status);
  for (let index = 0; index < headers.length; index += 2) {
    const [name, value] = [headers[index] as string, headers[index + 1] as string];
    const key = name.toLowerCase();
    const isParts = key === 'content-type' && value.startsWith('multipart/byteranges');
    if (key === 'vary') reply.header(name, joined(reply.getHeaders().vary, value));
    else if (key === 'content-type' && !hasType && !isParts) continue;
    else if (FRAMING.has(key) || isParts || !own.has(key)) reply.header(name, value);
  }
  if (status === 304) for (const name of CONTENT_FIELDS) reply.removeHeader(name);
}

function joined(present: unknown, value: string): string {
  const text = [present ?? []].flat().join(', ');
  if (text === '') return value;
  return text === '*' || text.toLowerCase().includes(value.toLowerCase()) ? text : `${text}, ${value}`;
}

/** As a stream of a file has it. */
function withPath(payload: Readable | undefined, path: string | undefined): Readable | undefined {
  return payload && Object.assign(payload, { path });
}

function payloadOf({ status, body }: Answer, method: string): Readable | undefined {
  if (status === 304) return undefined;
  if (body === undefined || method === 'HEAD') {
    releaseBody(body);
    return Readable.from([]);
  }
  return copiesOf(body);
}

async function sendPast(reply: Reply, { body }: Answer, method: string): Promise<void> {
  const { raw } = reply;
  const said = Object.entries(reply.getHeaders()).flatMap(([name, value]) =>
    [value ?? []].flat().flatMap(each => [name, String(each)]),
  );
  const status = reply.statusCode;
  reply.hijack();
  await writeAnswer(raw, { status, headers: said, body }, method, !isUntouched(raw) || isWatched(raw));
}
