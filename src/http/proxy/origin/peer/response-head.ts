import { IoliteError } from '../../../../base/error.ts';
import { fieldOf, type HeaderList, isField, withoutSpaceAround } from '../../../message/header-list.ts';

/** The head of a response, and how long its body is. */
export interface ParsedHead {
  readonly status: number;
  readonly headers: HeaderList;
  /** Of the body, in bytes; undefined where it comes in chunks. */
  readonly bodyLength: number | undefined;
  /** Whether the connection ends with it. */
  readonly close: boolean;
  /** Bytes of the head. */
  readonly length: number;
}

const HEAD_END = '\r\n\r\n';
const MAX_HEAD_BYTES = 64 * 1024;
const STATUS_LINE = /^HTTP\/1\.1 ([2-5][0-9]{2}) [\t\x20-\x7e]*$/;
/** Fields that say where a response ends: parsers differ about what stands around their values. */
const FRAMING = /^(?:content-length|transfer-encoding|connection)$/i;
/** No sign, no zero before others, and no more than a number holds. */
const LENGTH = /^(?:0|[1-9][0-9]{0,14})$/;
/** Statuses of responses that have no content (RFC 9110, 6.4.1). */
const WITHOUT_CONTENT = new Set([204, 304]);

/**
 * Reads the head of a response of another machine, strictly: what servers of iolite and node:http send to a
 * GET, and nothing else (RFC 9112, 4 to 6). There are no interim responses, and every body says how long it
 * is.
 * @returns undefined when it is not all there
 * @throws ERR_IOLITE_PROTOCOL
 */
export function parseResponseHead(bytes: Buffer): ParsedHead | undefined {
  const end = bytes.indexOf(HEAD_END, 0, 'latin1');
  if (end === -1 && bytes.length < MAX_HEAD_BYTES) return undefined;
  if (end === -1 || end > MAX_HEAD_BYTES) throw wrongHead(`a head of more than ${MAX_HEAD_BYTES} bytes`);
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const [, digits] = STATUS_LINE.exec(first) ?? [];
  if (digits === undefined) throw wrongHead(`the status line ${JSON.stringify(first.slice(0, 40))}`);
  const status = Number(digits);
  const headers = lines.flatMap(fieldIn);
  return {
    ...{ status, headers, length: end + HEAD_END.length },
    bodyLength: bodyLengthOf(status, headers),
    close: (fieldOf(headers, 'connection') ?? 'keep-alive').toLowerCase() !== 'keep-alive',
  };
}

function fieldIn(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon));
  const written = line.slice(colon + 1);
  const value = withoutSpaceAround(written);
  const isPlain = written === value || written === ` ${value}`;
  if (!isField(name, value) || (!isPlain && FRAMING.test(name)))
    throw wrongHead(`the field ${JSON.stringify(line.slice(0, 40))}`);
  return [name, value];
}

/** How long the body is (RFC 9112, 6.3). Where two fields say it, none is believed. */
function bodyLengthOf(status: number, headers: HeaderList): number | undefined {
  const stated = fieldOf(headers, 'content-length');
  const coding = fieldOf(headers, 'transfer-encoding');
  const isEmpty = WITHOUT_CONTENT.has(status);
  if (coding === 'chunked' && stated === undefined && !isEmpty) return undefined;
  if (coding !== undefined || !LENGTH.test(stated ?? (isEmpty ? '0' : '')))
    throw wrongHead('a body whose length is not certain');
  return isEmpty ? 0 : Number(stated);
}

function wrongHead(what: string): IoliteError {
  return new IoliteError('ERR_IOLITE_PROTOCOL', `The machine answered with ${what}`);
}
