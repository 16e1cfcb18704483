import { ArgumentError, describe } from '../../../base/error.ts';
import type { HeaderList } from '../../message/exchange.ts';
import type { AppHeaders } from './application.ts';

/** Fields that are the server's own: of the connection. */
const OF_THE_SERVER = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'trailer',
  'upgrade',
  'proxy-connection',
]);

/** Fields of an answer as a list, the server's own left out. @throws ERR_IOLITE_ARGUMENT */
export function listHeaders(headers: AppHeaders | undefined): string[] {
  const list: string[] = [];
  if (headers === undefined) return list;
  if (typeof headers !== 'object' || headers === null) {
    throw new ArgumentError(`Cannot answer: headers are wanted, ${describe(headers)} was given`);
  }
  if (Array.isArray(headers)) {
    if (headers.length % 2 !== 0)
      throw new ArgumentError('Cannot answer: a header without a value was given');
    for (let i = 0; i < headers.length; i += 2) add(list, headers[i], headers[i + 1]);
  } else if (Symbol.iterator in headers) {
    for (const [name, value] of headers as Iterable<[string, string]>) add(list, name, value);
  } else {
    for (const name in headers) {
      const value = (headers as Readonly<Record<string, string | number | readonly string[]>>)[name];
      if (Array.isArray(value)) for (const line of value) add(list, name, line);
      else add(list, name, value);
    }
  }
  return list;
}

function add(list: string[], name: unknown, value: unknown): void {
  if (typeof name !== 'string' || (typeof value !== 'string' && typeof value !== 'number')) {
    throw new ArgumentError(
      `Cannot answer: a string is wanted as header ${String(name)}, ${describe(value)} was given`,
    );
  }
  if (!OF_THE_SERVER.has(name.toLowerCase())) list.push(name, String(value));
}

/** Whether a list has a field, by its name in lower case. */
export function hasHeader(list: HeaderList, name: string): boolean {
  return headerValue(list, name) !== undefined;
}

/** The first value of a field, by its name in lower case. */
function headerValue(list: HeaderList, name: string): string | undefined {
  for (let i = 0; i < list.length; i += 2) {
    const found = list[i] as string;
    if (found.length === name.length && found.toLowerCase() === name) return list[i + 1];
  }
  return undefined;
}
