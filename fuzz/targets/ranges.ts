import { type ByteRange, parseRanges } from '../../src/http/message/range.ts';
import type { Random } from '../random.ts';
import { agree, type Target } from '../target.ts';

/** The Range field against a flat reading of RFC 9110, 14.1.2. A case is a size, a line feed, and the field. */
export const ranges: Target = {
  name: 'ranges',
  covers: ['http/message/range.'],
  tokens: ['bytes=', 'BYTES=', 'items=', '-', ',', ', ', '0-', '-0', '-1', '9007199254740993', '1e3', '\n'],
  make: random => Buffer.from(`${random.size(3000)}\nbytes=${fieldOf(random)}`),
  run: bytes => {
    const [size = '', field] = bytes.toString('latin1').split(/\n(.*)/s);
    // No other bytes stand in a field.
    if (!/^[0-9]{1,9}$/.test(size) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(field ?? '')) return;
    agree('the ranges', parseRanges(field, Number(size)), flatRanges(field, Number(size)));
  },
};

function fieldOf(random: Random): string {
  const number = (): number | string => (random.chance(0.1) ? '' : random.size(4000));
  return random.several(6, () => `${number()}-${number()}`).join(random.pick([',', ', ', ' ,', '\t,']));
}

const MAX_RANGES = 64;
const SPEC = /^[ \t]*(?:([0-9]+)-([0-9]*)|-([0-9]+))[ \t]*$/;

function flatRanges(field: string | undefined, size: number): ByteRange[] | undefined {
  if (field === undefined || field.slice(0, 6).toLowerCase() !== 'bytes=') return undefined;
  const specs = field.slice(6).split(',');
  if (specs.length > MAX_RANGES) return undefined;
  const asked: ByteRange[] = [];
  for (const spec of specs) {
    const parts = SPEC.exec(spec);
    if (parts === null) return undefined;
    const [, first = '', last = '', suffix] = parts;
    const start = suffix === undefined ? Number(first) : Math.max(0, size - Number(suffix));
    const end = suffix !== undefined || last === '' ? size : Math.min(size, Number(last) + 1);
    if (start < end) asked.push({ start, end });
  }
  return joined(asked);
}

/** Each joined with all that it touches, at the place of the first. */
function joined(asked: readonly ByteRange[]): ByteRange[] {
  const left = [...asked];
  const result: ByteRange[] = [];
  for (let first = left.shift(); first !== undefined; first = left.shift()) {
    let { start, end } = first;
    for (let i = 0; i < left.length; i++) {
      const other = left[i] as ByteRange;
      if (other.start > end || other.end < start) continue;
      start = Math.min(start, other.start);
      end = Math.max(end, other.end);
      left.splice(i, 1);
      i = -1;
    }
    result.push({ start, end });
  }
  return result;
}
