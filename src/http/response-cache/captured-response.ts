import type { HeaderList } from '../message/header-list.ts';
import type { NodeResponse } from '../node/response-way.ts';

/** A response as it was written. */
export interface CapturedResponse {
  readonly status: number;
  readonly headers: HeaderList;
  /** Copies of what was written. */
  readonly parts: readonly Uint8Array[];
}

/** Why a response was not captured. */
export class NotCaptured extends Error {}

type Fields = Readonly<Record<string, unknown>> | readonly unknown[];
type Method = (...given: unknown[]) => unknown;

/**
 * What somebody writes with a response, on its way to the client.
 * @param most bytes of content
 * @param accepts asked when the head is written
 * @throws NotCaptured, as soon as it is known: it is not accepted or too long, or the client is gone
 */
export function captureResponse(
  response: NodeResponse,
  most: number,
  accepts: (status: number, headers: HeaderList) => boolean,
): Promise<CapturedResponse> {
  return new Promise((resolve, reject) => {
    const capture = new Capture(response, most, accepts, resolve, reject);
    response.once('close', () => capture.refuse('its client is gone'));
  });
}

class Capture {
  readonly #most: number;
  readonly #accepts: (status: number, headers: HeaderList) => boolean;
  readonly #reject: (error: Error) => void;
  readonly #parts: Uint8Array[] = [];
  #head: Omit<CapturedResponse, 'parts'> | undefined;
  #bytes = 0;
  #isOver = false;

  constructor(
    response: NodeResponse,
    most: number,
    accepts: (status: number, headers: HeaderList) => boolean,
    resolve: (captured: CapturedResponse) => void,
    reject: (error: Error) => void,
  ) {
    this.#most = most;
    this.#accepts = accepts;
    this.#reject = reject;
    const { writeHead, write, end } = response as unknown as Record<string, Method>;
    let isEnding = false;
    Object.assign(response, {
      writeHead: (...given: unknown[]) => {
        const { statusCode, headersSent } = response;
        const result = writeHead?.apply(response, given);
        if (!headersSent) this.#begin(response, typeof given[0] === 'number' ? given[0] : statusCode, given);
        return result;
      },
      write: (...given: unknown[]) => {
        if (!isEnding) this.#add(given[0], given[1]);
        return write?.apply(response, given);
      },
      end: (...given: unknown[]) => {
        this.#add(given[0], given[1]);
        isEnding = true;
        const result = end?.apply(response, given);
        this.#end(resolve);
        return result;
      },
    });
  }

  refuse(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.length = 0;
    this.#reject(new NotCaptured(`Cannot capture response: ${why}`));
  }

  #begin(response: NodeResponse, status: number, given: readonly unknown[]): void {
    // Interim responses come before.
    if (this.#isOver || this.#head !== undefined || status < 200) return;
    const fields = given.find(each => typeof each === 'object' && each !== null) as Fields | undefined;
    const headers = listOf({ ...response.getHeaders(), ...byName(fields) });
    this.#head = { status, headers };
    if (!this.#accepts(status, headers)) this.refuse('it may not be kept');
  }

  #add(content: unknown, encoding: unknown): void {
    if (this.#isOver || content === undefined || content === null || typeof content === 'function') return;
    const named = typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8';
    const part =
      typeof content === 'string' ? Buffer.from(content, named) : Buffer.from(content as Uint8Array);
    this.#bytes += part.length;
    this.#parts.push(part);
    if (this.#bytes > this.#most) this.refuse('it is too long');
  }

  #end(resolve: (captured: CapturedResponse) => void): void {
    if (this.#isOver) return;
    const head = this.#head;
    const at =
      head?.headers.findIndex((name, index) => index % 2 === 0 && /^content-length$/i.test(name)) ?? -1;
    const stated = at === -1 ? this.#bytes : Number(head?.headers[at + 1]);
    if (head === undefined || stated !== this.#bytes) return this.refuse('not all of it was seen');
    this.#isOver = true;
    resolve({ ...head, parts: this.#parts });
  }
}

/** Fields as writeHead() takes them: an object, a list of pairs, or pairs one after the other. */
function byName(fields: Fields | undefined): Record<string, unknown> {
  if (fields === undefined) return {};
  if (!Array.isArray(fields)) return lowered(Object.entries(fields));
  if (fields.every(each => Array.isArray(each))) return lowered(fields as [string, unknown][]);
  const pairs: [string, unknown][] = [];
  for (let index = 0; index < fields.length; index += 2)
    pairs.push([String(fields[index]), fields[index + 1]]);
  return lowered(pairs);
}

function lowered(pairs: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    found[key] = key in found ? [found[key], value].flat() : value;
  }
  return found;
}

function listOf(fields: Readonly<Record<string, unknown>>): HeaderList {
  return Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().flatMap(each => (each === undefined || name.startsWith(':') ? [] : [name, String(each)])),
  );
}
