import { allowsRange, evaluate, type Validators } from '../../src/http/message/conditional.ts';
import type { ServerRequest } from '../../src/http/message/exchange.ts';
import type { Random } from '../random.ts';
import { agree, type Target } from '../target.ts';

/** The first ones are as servers write them. */
const DATES = [
  'Sun, 06 Nov 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 08:49:38 GMT',
  'Sun, 06 Nov 1994 08:49:36 GMT',
  'Tue, 29 Feb 2000 23:59:59 GMT',
  'Sunday, 06-Nov-94 08:49:37 GMT',
  'Sun Nov  6 08:49:37 1994',
  'Mon, 31 Feb 2000 24:00:00 GMT',
  '1994-11-06',
];
const OWN_DATES = DATES.slice(0, 4);
const TAGS = ['"a"', '"b"', 'W/"a"', 'W/"b"', '""', '"a,b"', '"a b"', '*', 'a', '"\xe9"'];
const NAMES = ['If-Match', 'If-None-Match', 'If-Modified-Since', 'If-Unmodified-Since', 'If-Range'];
const TAG = '(?:W/)?"[\\x21\\x23-\\x7e\\x80-\\xff]*"';
const WHOLE_TAG = new RegExp(`^${TAG}$`);

/** Conditional requests against another reading of RFC 9110, 13. A case is lines: a tag, a date, fields. */
export const conditions: Target = {
  name: 'conditions',
  covers: ['http/message/conditional.', 'http/message/http-date.', 'http/message/last-modified.'],
  tokens: [...DATES, ...TAGS, ...NAMES.map(name => `\n${name}: `), ', ', ',', '\t', ' ', '\n', 'W/'],
  make: random => Buffer.from(caseOf(random), 'latin1'),
  run: bytes => {
    const [tag = '', date = '', ...lines] = bytes.toString('latin1').split('\n');
    // What a file or an origin says of itself is well-formed.
    const etag = WHOLE_TAG.test(tag) ? tag : undefined;
    const lastModified = OWN_DATES.includes(date) ? date : undefined;
    const fields = new Map<string, string>();
    for (const line of lines) {
      const [, name, value] = /^([A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) fields.set(name.toLowerCase(), value);
    }
    const validators = { etag, lastModified };
    const request = { header: (name: string) => fields.get(name) } as ServerRequest;
    const verdict = verdictOf(fields, validators);
    if (verdict !== undefined) agree('the verdict', evaluate(request, validators), verdict);
    const ifRange = fields.get('if-range');
    agree('the range', allowsRange(ifRange, validators), rangeAllowed(ifRange, validators));
  },
};

function caseOf(random: Random): string {
  const between = random.pick([',', ', ', ' , ', ',,']);
  const tags = (): string => random.several(4, () => random.pick(TAGS)).join(between);
  const lines = random.several(4, () => {
    const name = random.pick(NAMES);
    const isTag = name.endsWith('atch') || (name === 'If-Range' && random.chance(0.5));
    return `${name}: ${isTag ? tags() : random.pick(DATES)}`;
  });
  return [random.pick(TAGS), random.pick(DATES), ...lines].join('\n');
}

/** The tags of a list, empty elements left out; undefined where it is none (RFC 9110, 8.8.3 and 5.6.1). */
function tagsOf(field: string): string[] | undefined {
  const tags: string[] = [];
  const element = new RegExp(`[ \\t]*(${TAG})?[ \\t]*(,|$)`, 'y');
  for (;;) {
    const found = element.exec(field);
    if (found === null) return undefined;
    if (found[1] !== undefined) tags.push(found[1]);
    if (found[2] === '') return tags;
  }
}

const opaque = (tag: string): string => tag.replace(/^W\//, '');

/** Undefined where a list of tags is none: the standard leaves that to us. */
function verdictOf(
  fields: ReadonlyMap<string, string>,
  { etag, lastModified }: Validators,
): string | undefined {
  const match = fields.get('if-match');
  if (match !== undefined && match !== '*') {
    const tags = tagsOf(match);
    if (tags === undefined) return undefined;
    if (etag === undefined || !etag.startsWith('"') || !tags.includes(etag)) return 'failed';
  } else if (match === undefined) {
    const since = dateOf(fields.get('if-unmodified-since'));
    if (since !== undefined && lastModified !== undefined && Date.parse(lastModified) > since)
      return 'failed';
  }
  const none = fields.get('if-none-match');
  if (none !== undefined) {
    const tags = none === '*' ? [] : tagsOf(none)?.map(opaque);
    if (tags === undefined) return undefined;
    const isThere = none === '*' || (etag !== undefined && tags.includes(opaque(etag)));
    return isThere ? 'not-modified' : 'proceed';
  }
  const since = dateOf(fields.get('if-modified-since'));
  if (since === undefined || lastModified === undefined) return 'proceed';
  return Date.parse(lastModified) <= since ? 'not-modified' : 'proceed';
}

function rangeAllowed(field: string | undefined, { etag, lastModified }: Validators): boolean {
  return field === undefined || (field.startsWith('"') && field === etag) || field === lastModified;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const TIME = '([0-9]{2}):([0-9]{2}):([0-9]{2})';
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const LONG_DAY = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day';
const MONTH = `(${MONTHS.join('|')})`;
/** The three forms of a date, and where in them year, month, day, hour, minute and second are. */
const FORMS: readonly (readonly [RegExp, readonly number[]])[] = [
  [new RegExp(`^${DAY}, ([0-9]{2}) ${MONTH} ([0-9]{4}) ${TIME} GMT$`), [3, 2, 1, 4, 5, 6]],
  [new RegExp(`^${LONG_DAY}, ([0-9]{2})-${MONTH}-([0-9]{2}) ${TIME} GMT$`), [3, 2, 1, 4, 5, 6]],
  [new RegExp(`^${DAY} ${MONTH} ([ 0-9][0-9]) ${TIME} ([0-9]{4})$`), [6, 1, 2, 3, 4, 5]],
];

/** RFC 9110, 5.6.7. */
function dateOf(field = ''): number | undefined {
  for (const [form, places] of FORMS) {
    const parts = form.exec(field);
    if (parts === null) continue;
    const [year = '', month = '', ...rest] = places.map(at => parts[at] as string);
    const [day = 0, hour = 0, minute = 0, second = 0] = rest.map(Number);
    const now = new Date().getUTCFullYear();
    let full = Number(year) + (year.length === 2 ? now - (now % 100) : 0);
    if (year.length === 2 && full > now + 50) full -= 100;
    const date = new Date(0);
    date.setUTCFullYear(full, MONTHS.indexOf(month), day);
    // A minute may have a leap second.
    const isReal = hour < 24 && minute < 60 && second <= 60 && date.getUTCDate() === day;
    date.setUTCHours(hour, minute, second);
    return isReal ? date.getTime() : undefined;
  }
  return undefined;
}
