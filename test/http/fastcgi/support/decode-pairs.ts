const SHORT_MOST_BYTES = 0x7f;
const LONG_BIT = 0x80000000;

/** What requestRecords() has made of parameters, as UTF-8. @returns undefined for bytes that are none */
export function decodePairs(bytes: Buffer): Map<string, string> | undefined {
  const pairs = new Map<string, string>();
  let at = 0;
  const length = (): number => {
    const first = bytes[at] ?? 0;
    const size = first > SHORT_MOST_BYTES ? 4 : 1;
    if (at + size > bytes.length) return Number.NaN;
    const read = size === 1 ? first : (bytes.readUInt32BE(at) & ~LONG_BIT) >>> 0;
    at += size;
    return read;
  };
  while (at < bytes.length) {
    const [name, value] = [length(), length()];
    const end = at + name + value;
    if (!(end <= bytes.length)) return undefined;
    pairs.set(bytes.toString('utf8', at, at + name), bytes.toString('utf8', at + name, end));
    at = end;
  }
  return pairs;
}
