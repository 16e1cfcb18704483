import type { ServerRequest } from '../message/exchange.ts';
import { type HeaderList, tokensOf } from '../message/header-list.ts';

/**
 * Fields in which a server in front says what a request was for besides its line and Host, in lower case.
 * Frameworks let them overrule these: what a client could say there, it could have stored for others.
 */
const TARGET_FIELDS: ReadonlySet<string> = new Set([
  'front-end-https',
  'x-host',
  'x-http-host-override',
  'x-original-host',
  'x-original-uri',
  'x-original-url',
  'x-rewrite-url',
  'x-url-scheme',
]);
const FORWARDED = 'x-forwarded-';
/** Those that this side makes anew, from what it believes. */
const MADE_HERE: ReadonlySet<string> = new Set([
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
]);

/** What is behind `name=` in an element of Forwarded (RFC 7239, 4), or between two. */
const PAIR = /\s*([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*([;,]|$)/y;

/** A name as servers see it that make no difference between `-` and `_`, as CGI makes none. */
export function plainName(name: string): string {
  const lower = name.toLowerCase();
  return lower.includes('_') ? lower.replaceAll('_', '-') : lower;
}

/** Whether a field says where a request came from, or what it was for. @param name of {@link plainName} */
export function tellsOfRequest(name: string): boolean {
  return name.startsWith(FORWARDED) || TARGET_FIELDS.has(name) || MADE_HERE.has(name);
}

/** Whether a field of a server in front that is believed is passed on as it is. @param name as it came */
export function isPassedOn(name: string): boolean {
  const lower = name.toLowerCase();
  return tellsOfRequest(lower) && !MADE_HERE.has(lower);
}

/** What a server in front that is believed says of a request. */
export interface ForwardedTarget {
  /** The first host and scheme that are named: those the client used. */
  readonly host: string | undefined;
  readonly scheme: 'http' | 'https' | undefined;
  /** Names and values of other fields that the answer may depend on. */
  readonly others: readonly string[];
}

/** What the fields of a request say that came through a server which is believed. O(fields). */
export function forwardedTarget(request: ServerRequest): ForwardedTarget {
  const elements = forwardedElements(request.header('forwarded'));
  const stated = (field: string, parameter: string): string | undefined =>
    firstOf(request.header(field)) ?? elements.find(each => each.has(parameter))?.get(parameter);
  const scheme = stated('x-forwarded-proto', 'proto')?.toLowerCase();
  return {
    host: stated('x-forwarded-host', 'host'),
    scheme: scheme === 'http' || scheme === 'https' ? scheme : undefined,
    others: othersOf(request),
  };
}

/**
 * Who a request came from, as Forwarded has it, the client first: without what is said of host and scheme.
 * Nothing of what is malformed.
 */
export function forwardedNodes(field: string | undefined): string[] {
  return forwardedElements(field)
    .map(element => element.get('for'))
    .filter(from => from !== undefined);
}

function forwardedElements(field = ''): ReadonlyMap<string, string>[] {
  const elements: Map<string, string>[] = [];
  let element = new Map<string, string>();
  for (let at = 0; at < field.length; at = PAIR.lastIndex) {
    PAIR.lastIndex = at;
    const found = PAIR.exec(field);
    if (found === null) return [];
    const [, name = '', quoted, plain = '', border] = found;
    element.set(name.toLowerCase(), quoted ?? plain);
    if (border === ';') continue;
    elements.push(element);
    element = new Map();
  }
  return elements;
}

function othersOf({ rawHeaders }: ServerRequest): string[] {
  const others: string[] = [];
  forEachField(rawHeaders, (name, value) => {
    if (isPassedOn(name)) others.push(name.toLowerCase(), value);
  });
  return others;
}

/** Calls for each field. */
export function forEachField(headers: HeaderList, each: (name: string, value: string) => void): void {
  for (let index = 0; index < headers.length; index += 2) {
    each(headers[index] as string, headers[index + 1] as string);
  }
}

function firstOf(field: string | undefined): string | undefined {
  return tokensOf(field)[0];
}
