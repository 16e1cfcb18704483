const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MONTH = `(?<month>${MONTHS.join('|')})`;
/** The last minute of some days has a second more. */
const TIME = '(?<hour>[01]\\d|2[0-3]):(?<minute>[0-5]\\d):(?<second>[0-5]\\d|60)';
/** As it is written today, and the two forms that are obsolete. */
const FORMS = [
  `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT`,
  `(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT`,
  `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})`,
].map(form => new RegExp(`^${form}$`));

/**
 * Reads a date of HTTP (RFC 9110, 5.6.7), in its three forms and no others: Date.parse takes much more, and
 * years below 100 for others. What no calendar has is none.
 * @returns milliseconds since the epoch, undefined for what is no date
 */
export function parseHttpDate(text: string): number | undefined {
  for (const form of FORMS) {
    const parts = form.exec(text)?.groups;
    if (parts === undefined) continue;
    const { day, month = '', year = '', hour, minute, second } = parts;
    const date = new Date(0);
    const fullYear = year.length === 2 ? fullYearOf(Number(year)) : Number(year);
    date.setUTCFullYear(fullYear, MONTHS.indexOf(month), Number(day));
    // It goes on behind the end of a month.
    if (date.getUTCDate() !== Number(day)) return undefined;
    return date.setUTCHours(Number(hour), Number(minute), Number(second));
  }
  return undefined;
}

/** What seems to be more than 50 years ahead is past. */
function fullYearOf(lastDigits: number): number {
  const now = new Date().getUTCFullYear();
  const year = now - (now % 100) + lastDigits;
  return year > now + 50 ? year - 100 : year;
}
