import type { Aggregate } from '../../../aggregate/aggregate.ts';
import { allowsRange, evaluate, type Validators } from '../../message/conditional.ts';
import type { Answer, ServerRequest } from '../../message/exchange.ts';
import { frameRanges } from '../../message/framing/multipart.ts';
import { CONTENT_FIELDS, type HeaderList, without } from '../../message/header-list.ts';
import { type ByteRange, contentRange, parseRanges } from '../../message/range.ts';
import { statusAnswer } from '../../message/status-answer.ts';
import { type Handling, statusBehind } from './cache-status.ts';
import { ageOf, freshnessOf } from './freshness.ts';
import { type ResponseFacts, storedField } from './response-facts.ts';
import { storedHead } from './stored-head.ts';

const LENGTH = new Set(['content-length']);
const LENGTH_AND_TYPE = new Set(['content-length', 'content-type']);

/**
 * The answer that a client's conditions ask for in place of a response: 304 or 412 (RFC 9110, 13).
 * @param headers of the response, as they would be sent
 */
export function conditionalAnswer(
  request: ServerRequest,
  facts: ResponseFacts,
  headers: HeaderList,
): Answer | undefined {
  if (facts.status !== 200) return undefined;
  const verdict = evaluate(request, validatorsOf(facts));
  if (verdict === 'failed') return statusAnswer(412);
  if (verdict === 'proceed') return undefined;
  return { status: 304, headers: without(headers, CONTENT_FIELDS), body: undefined };
}

/**
 * An answer from a stored response, with its age and how it came to be sent: all of it, or the ranges that
 * are asked for (RFC 9110, 14). Copies none of the content.
 * @param content taken over
 * @param now in milliseconds since the epoch
 */
export function answerFromStore(
  request: ServerRequest,
  facts: ResponseFacts,
  content: Aggregate,
  handled: Handling,
  now = Date.now(),
): Answer {
  const { fixed, before, kept } = storedHead(facts, content.length);
  const age = ageOf(facts, now);
  const ttl = freshnessOf(facts).lifetime - age;
  // The last two, as renewing them goes by: see RepeatedResponse.
  const headers = [
    ...fixed,
    'Cache-Status',
    statusBehind(before, { ...handled, ttl }),
    'Age',
    String(Math.floor(age)),
  ];
  const conditional = conditionalAnswer(request, facts, headers);
  const ranges = conditional === undefined ? rangesOf(request, facts, content.length) : undefined;
  if (conditional !== undefined || ranges?.length === 0) {
    const size = content.length;
    content.release();
    return conditional ?? statusAnswer(416, ['Content-Range', `bytes */${size}`]);
  }
  if (ranges !== undefined) return partialAnswer(facts, content, headers, ranges);
  const { status } = facts;
  if (request.method !== 'HEAD') return { status, headers, kept, body: content };
  content.release();
  return { status, headers, kept, body: undefined };
}

function rangesOf(request: ServerRequest, facts: ResponseFacts, size: number): ByteRange[] | undefined {
  if (request.method !== 'GET' || facts.status !== 200) return undefined;
  if (!allowsRange(request.header('if-range'), validatorsOf(facts))) return undefined;
  return parseRanges(request.header('range'), size);
}

function partialAnswer(
  facts: ResponseFacts,
  content: Aggregate,
  headers: HeaderList,
  ranges: readonly ByteRange[],
): Answer {
  const size = content.length;
  const [only] = ranges;
  if (only !== undefined && ranges.length === 1) {
    const body = content.slice(only.start, only.end);
    content.release();
    const fields = ['Content-Range', contentRange(only, size), 'Content-Length', String(body.length)];
    return { status: 206, headers: [...without(headers, LENGTH), ...fields], body };
  }
  const mediaType = storedField(facts, 'content-type') ?? 'application/octet-stream';
  const framed = frameRanges(ranges, mediaType, size);
  const body = content.slice(0, 0);
  for (const piece of framed.pieces) {
    if (typeof piece === 'string') body.append(piece, 'latin1');
    else {
      using part = content.slice(piece.start, piece.end);
      body.append(part);
    }
  }
  content.release();
  const fields = ['Content-Type', framed.mediaType, 'Content-Length', String(framed.length)];
  return { status: 206, headers: [...without(headers, LENGTH_AND_TYPE), ...fields], body };
}

function validatorsOf(facts: ResponseFacts): Validators {
  return { etag: storedField(facts, 'etag'), lastModified: storedField(facts, 'last-modified') };
}
