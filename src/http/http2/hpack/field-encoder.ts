import { huffmanEncode, huffmanLength } from './huffman-code.ts';
import { staticFieldIndex, staticNameIndex } from './static-table.ts';

/** The first bits of what follows (RFC 7541, 6). */
const INDEXED = 0x80;
const LITERAL = 0x00;
const HUFFMAN = 0x80;

/** What tells the other side that nothing is to be put into its dynamic table from now on. */
export const EMPTY_TABLE = 0x20;

/**
 * Puts a field behind some bytes, in a form that neither changes nor needs the state of whoever decodes it:
 * the same bytes may be sent to everybody, and as often as wanted.
 * @param name in lower case
 * @param value each character of it a byte
 */
export function encodeField(name: string, value: string, bytes: number[]): void {
  const field = staticFieldIndex(name, value);
  if (field !== 0) {
    encodeInteger(field, 7, INDEXED, bytes);
    return;
  }
  const known = staticNameIndex(name);
  encodeInteger(known, 4, LITERAL, bytes);
  if (known === 0) encodeString(name, bytes);
  encodeString(value, bytes);
}

function encodeString(text: string, bytes: number[]): void {
  const length = huffmanLength(text);
  if (length < text.length) {
    encodeInteger(length, 7, HUFFMAN, bytes);
    huffmanEncode(text, bytes);
    return;
  }
  encodeInteger(text.length, 7, 0, bytes);
  for (let i = 0; i < text.length; i++) bytes.push(text.charCodeAt(i));
}

/** An integer behind the first bits of a byte (RFC 7541, 5.1). @param prefix how many bits are left there */
function encodeInteger(value: number, prefix: number, first: number, bytes: number[]): void {
  const most = (1 << prefix) - 1;
  if (value < most) {
    bytes.push(first | value);
    return;
  }
  bytes.push(first | most);
  let left = value - most;
  for (; left >= 0x80; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  bytes.push(left);
}
