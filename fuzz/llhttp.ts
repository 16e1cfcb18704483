/**
 * The parser of node:http, llhttp, without a connection: what each message is, and where its body ends. It is
 * Node's own, and not documented.
 */

/** A message as a parser understands it. */
export interface Understood {
  /** Of a request. */
  readonly method?: string | undefined;
  readonly target?: string | undefined;
  /** Of a response. */
  readonly status?: number | undefined;
  readonly rawHeaders: readonly string[];
  /** As latin1, as far as it came. */
  body: string;
  isComplete: boolean;
  readonly close: boolean;
}

interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void;
  execute(bytes: Buffer, offset: number, length: number): number | Error;
  [callback: number]: ((...given: never[]) => unknown) | undefined;
}

interface Binding {
  readonly methods: readonly string[];
  readonly HTTPParser: (new () => Parser) & Record<string, number>;
}

const node = process as unknown as { binding(name: string): Binding };
const { methods, HTTPParser } = node.binding('http_parser');
const on = (name: string): number => HTTPParser[`kOn${name}`] as number;
const parser = new HTTPParser();
let list: Understood[] = [];
let fields: string[] = [];

parser[on('Headers')] = (rawHeaders: string[]) => {
  fields.push(...rawHeaders);
};
parser[on('HeadersComplete')] = (...given: unknown[]) => {
  const [, , rawHeaders = [], method, target, status, , , keepAlive] = given as [
    ...[number, number, string[] | undefined, number | undefined, string | undefined],
    ...[number | undefined, unknown, boolean, boolean],
  ];
  const start = method === undefined ? { status } : { method: methods[method], target };
  list.push({
    ...{ ...start, rawHeaders: [...fields, ...rawHeaders] },
    ...{ body: '', isComplete: false, close: !keepAlive },
  });
  fields = [];
  return 0;
};
parser[on('Body')] = (bytes: Buffer) => {
  const last = list.at(-1);
  if (last !== undefined) last.body += bytes.toString('latin1');
};
parser[on('MessageComplete')] = () => {
  const last = list.at(-1);
  if (last !== undefined) last.isComplete = true;
};

/** All requests, or responses, of some bytes, and whether it gave up before their end. */
export function llhttp(
  bytes: Buffer,
  what: 'REQUEST' | 'RESPONSE' = 'REQUEST',
): {
  readonly messages: readonly Understood[];
  readonly failed: boolean;
} {
  list = [];
  fields = [];
  parser.initialize(HTTPParser[what] as number, {}, 0, 0);
  const result = parser.execute(bytes, 0, bytes.length);
  return { messages: list, failed: typeof result !== 'number' };
}
