import type { Aggregate } from '../../../aggregate/aggregate.ts';
import type { AppRequest } from './app-request.ts';
import type { AppHandler, FetchApp } from './application.ts';

/** What a reader of bytes gives. */
type Chunk = { readonly done: boolean; readonly value?: Uint8Array | undefined };

interface ChunkReader {
  read(): Promise<Chunk>;
  cancel(): Promise<void>;
}

/** Bodies of up to so many bytes that are there at once are answered as one. */
const WHOLE_BYTES = 256 * 1024;

/**
 * A handler that calls an application written for the fetch interface. Bodies are copied on the way, as that
 * interface has it.
 */
export function fetchAppHandler(app: FetchApp): AppHandler {
  return async request => {
    let asked: Request;
    try {
      asked = fetchRequest(request);
    } catch {
      // Methods and targets that the interface has no words for: CONNECT, TRACE.
      return { status: 501 };
    }
    const { status, headers, body } = await app.fetch(asked);
    return { status, headers, body: body === null ? undefined : await whatIsThere(body) };
  };
}

function fetchRequest(request: AppRequest): Request {
  const { method, rawHeaders, signal } = request;
  const headers = new Headers();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    headers.append(rawHeaders[i] as string, rawHeaders[i + 1] as string);
  }
  const body = method === 'GET' || method === 'HEAD' ? undefined : request.body;
  return new Request(urlOf(request), {
    method,
    headers,
    signal,
    ...(body === undefined ? {} : { body: streamOf(body), duplex: 'half' }),
  } as RequestInit);
}

/** The URL of a request; with the host 'localhost' where the client names none that can be one. */
function urlOf(request: AppRequest): URL {
  const { secure, target } = request;
  if (/^https?:/i.test(target)) return new URL(target);
  const origin = `${secure ? 'https' : 'http'}://${request.header('host') ?? 'localhost'}`;
  const url = new URL(URL.canParse(origin) ? origin : 'http://localhost');
  const [path = '', ...query] = target.split('?');
  url.pathname = path === '*' ? '/' : path;
  url.search = query.join('?');
  return url;
}

function streamOf(pieces: AsyncIterator<Aggregate, undefined>): ReadableStream {
  return new ReadableStream({
    pull: async controller => {
      const { value, done } = await pieces.next();
      if (done === true) return controller.close();
      using piece = value;
      controller.enqueue(new Uint8Array(piece.toBuffer()));
    },
    cancel: async () => {
      await pieces.return?.();
    },
  });
}

/** All of a body if it is there within this turn of the event loop; else the body, piece by piece. */
async function whatIsThere(body: ReadableStream): Promise<Uint8Array | AsyncIterable<Uint8Array>> {
  const reader = body.getReader() as ChunkReader;
  const chunks: Uint8Array[] = [];
  for (let length = 0; length < WHOLE_BYTES; ) {
    const reading = reader.read();
    const chunk = await Promise.race([
      reading,
      new Promise<undefined>(resolve => setImmediate(resolve, undefined)),
    ]);
    if (chunk === undefined) return new Rest(reader, chunks, reading);
    if (chunk.value === undefined)
      return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
    chunks.push(chunk.value);
    length += chunk.value.length;
  }
  return new Rest(reader, chunks, undefined);
}

/** A body of which some was read. */
class Rest implements AsyncIterableIterator<Uint8Array> {
  readonly #reader: ChunkReader;
  readonly #chunks: Uint8Array[];
  #reading: Promise<Chunk> | undefined;

  constructor(reader: ChunkReader, chunks: Uint8Array[], reading: Promise<Chunk> | undefined) {
    this.#reader = reader;
    this.#chunks = chunks;
    this.#reading = reading;
    // Who iterates learns of its failure.
    reading?.catch(() => {});
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const first = this.#chunks.shift();
    if (first !== undefined) return { value: first, done: false };
    const reading = this.#reading ?? this.#reader.read();
    this.#reading = undefined;
    const { value } = await reading;
    return value === undefined ? { value, done: true } : { value, done: false };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#reader.cancel();
    return { value: undefined, done: true };
  }
}
