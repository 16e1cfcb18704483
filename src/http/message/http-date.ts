const DAY = /\d+/;
const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d:(?:[0-5]\\d|60)';
const FIXED = new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \\d\\d ${MONTH} \\d{4} ${TIME} GMT$`);
const RFC850 = new RegExp(
  `^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\\d\\d)-(${MONTH})-(\\d\\d) (${TIME}) GMT$`,
);
const ASCTIME = new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (${MONTH}) ([ \\d]\\d) (${TIME}) (\\d{4})$`);

/**
 * Reads a date of HTTP (RFC 9110, 5.6.7), in its three forms and no others: Date.parse takes much more. What
 * no calendar has is none.
 * @returns milliseconds since the epoch, undefined for what is no date
 */
export function parseHttpDate(text: string): number | undefined {
  const fixed = asFixed(text);
  const milliseconds = Date.parse(fixed);
  // It goes on behind the end of a month: to the 31st of February.
  const isReal = new Date(milliseconds).getUTCDate() === Number(DAY.exec(fixed)?.[0]);
  return isReal ? milliseconds : undefined;
}

/** In the form that is not obsolete; empty for what is in none. */
function asFixed(text: string): string {
  if (FIXED.test(text)) return text;
  const asctime = ASCTIME.exec(text);
  if (asctime !== null) return `${asctime[2]?.trim()} ${asctime[1]} ${asctime[4]} ${asctime[3]} GMT`;
  const [, day, month, year = '', time] = RFC850.exec(text) ?? [];
  return time === undefined ? '' : `${day} ${month} ${fullYear(Number(year))} ${time} GMT`;
}

/** What seems to be more than 50 years ahead is past. */
function fullYear(lastDigits: number): number {
  const now = new Date().getUTCFullYear();
  const year = now - (now % 100) + lastDigits;
  return year > now + 50 ? year - 100 : year;
}
