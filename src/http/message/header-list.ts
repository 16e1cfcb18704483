/**
 * Fields of a message: name, value, name, value. Of an answer without Connection, Keep-Alive and
 * Transfer-Encoding, which whoever sends it adds, and without Date, which is added as well unless it is
 * there: an answer that another server made keeps its date. Never changed once made: a list that is used for
 * many answers lets the sender keep its bytes.
 */
export type HeaderList = readonly string[];

/** Fields of the content, which a 304 has none of (RFC 9110, 15.4.5). In lower case. */
export const CONTENT_FIELDS: ReadonlySet<string> = new Set([
  'content-length',
  'content-encoding',
  'content-type',
  'content-range',
  'content-language',
]);

/**
 * The value of a field by its name in lower case; those of several lines are joined with ', ' (RFC 9110,
 * 5.3).
 */
export function fieldOf(headers: HeaderList, name: string): string | undefined {
  let value: string | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    if (!isNamed(headers[index] as string, name)) continue;
    const line = headers[index + 1] as string;
    value = value === undefined ? line : `${value}, ${line}`;
  }
  return value;
}

/** Which bytes there are, which belongs to 416 (RFC 9110, 15.5.17): that field alone, if it is there. */
export function rangeFieldOf(headers: HeaderList): HeaderList {
  const range = fieldOf(headers, 'content-range');
  return range === undefined ? [] : ['Content-Range', range];
}

/** How many lines have a name, given in lower case. */
export function countFieldLines(headers: HeaderList, name: string): number {
  let lines = 0;
  for (let index = 0; index < headers.length; index += 2) {
    if (isNamed(headers[index] as string, name)) lines += 1;
  }
  return lines;
}

/** Whether there is a field, by its name in lower case. */
export function hasField(headers: HeaderList, name: string): boolean {
  for (let index = 0; index < headers.length; index += 2) {
    if (isNamed(headers[index] as string, name)) return true;
  }
  return false;
}

/** Whether the field whose name is at an index has lines before that one. */
export function isRepeated(headers: HeaderList, index: number): boolean {
  const name = (headers[index] as string).toLowerCase();
  for (let before = 0; before < index; before += 2) {
    if (isNamed(headers[before] as string, name)) return true;
  }
  return false;
}

/** The fields but for those whose names, in lower case, are in a set. */
export function without(headers: HeaderList, names: ReadonlySet<string>): string[] {
  const rest: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (!names.has(name.toLowerCase())) rest.push(name, headers[index + 1] as string);
  }
  return rest;
}

const LENGTH = new Set(['content-length']);

/**
 * The fields of an answer that may be sent with its status: a 204 has no Content-Length (RFC 9110, 8.6). Who
 * believed it would take the next answer for its content.
 */
export function fieldsFor(status: number, headers: HeaderList): HeaderList {
  return status === 204 && hasField(headers, 'content-length') ? without(headers, LENGTH) : headers;
}

/** The names of the fields, in lower case. */
export function namesOf(headers: HeaderList): Set<string> {
  const names = new Set<string>();
  for (let index = 0; index < headers.length; index += 2) names.add((headers[index] as string).toLowerCase());
  return names;
}

/** The fields as pairs, as Object.fromEntries and Headers take them. */
export function pairsOf(headers: HeaderList): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < headers.length; index += 2) {
    pairs.push([headers[index] as string, headers[index + 1] as string]);
  }
  return pairs;
}

/** The members of a field that is a list of tokens, in lower case. */
export function tokensOf(field: string | undefined): string[] {
  if (field === undefined) return [];
  return field
    .toLowerCase()
    .split(',')
    .map(token => token.trim())
    .filter(token => token !== '');
}

/**
 * A value without the white space around it (RFC 9110, 5.5), which is less than what JavaScript takes for
 * that. O(length): a pattern would look from each of many spaces amid a value for its end.
 */
export function withoutSpaceAround(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isSpace(text.charCodeAt(start))) start += 1;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** token (RFC 9110, 5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** field-value, obs-text included (RFC 9110, 5.5): as latin1, and without what could end the line. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether a field may be sent: nothing in it can be taken for another field, or for the end of the head. */
export function isField(name: string, value: string): boolean {
  return TOKEN.test(name) && VALUE.test(value);
}

/** @param name in lower case */
function isNamed(field: string, name: string): boolean {
  return field.length === name.length && field.toLowerCase() === name;
}
