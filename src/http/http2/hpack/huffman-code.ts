/** How many bits each byte has (RFC 7541, appendix B), and behind them the end of a string. */
// biome-ignore format: sixteen bytes a line.
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 26, 26, 23, 22, 22, 21, 23, 23, 25, 25, 24, 24,
  26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27,
  27, 28, 27, 27, 27, 27, 27, 26, 30,
];
const END_OF_STRING = 0x100;
const LONGEST_BITS = 30;

/** The code of each byte. It is canonical: codes of one length are counted up in the order of their bytes. */
function codes(): Uint32Array {
  const codes = new Uint32Array(LENGTHS.length);
  let code = 0;
  for (let length = 1; length <= LONGEST_BITS; length++) {
    for (let byte = 0; byte < LENGTHS.length; byte++) {
      if (LENGTHS[byte] !== length) continue;
      codes[byte] = code;
      code += 1;
    }
    code *= 2;
  }
  return codes;
}

const CODES = codes();

/** How many bytes a text has in this code. @param text each character of it a byte */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += LENGTHS[text.charCodeAt(i)] as number;
  return (bits + 7) >>> 3;
}

/** Puts a text in this code behind some bytes. @param text each character of it a byte */
export function huffmanEncode(text: string, bytes: number[]): void {
  let pending = 0;
  let free = 8;
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i);
    const code = CODES[byte] as number;
    let left = LENGTHS[byte] as number;
    while (left > 0) {
      const taken = Math.min(free, left);
      left -= taken;
      pending = (pending << taken) | ((code >>> left) & ((1 << taken) - 1));
      free -= taken;
      if (free > 0) continue;
      bytes.push(pending);
      pending = 0;
      free = 8;
    }
  }
  // What is left of the last byte are the first bits of the end of a string, all of them 1.
  if (free < 8) bytes.push((pending << free) | ((1 << free) - 1));
}

/*
 * To decode, a table says for each state, which is what was read of a code, and the next four bits: the state
 * then, whether a byte is complete and which. No code is shorter than five bits: four complete one at most.
 */
const BYTE_MASK = 0xff;
const HAS_BYTE = 0x100;
/** A string may end here: what was read since the last byte are less than eight bits, all of them 1. */
const MAY_END = 0x200;
const IS_WRONG = 0x400;
const STATE_SHIFT_BITS = 11;
const MOST_PADDING_BITS = 7;

interface Node {
  readonly number: number;
  readonly mayEnd: boolean;
  readonly next: [Node | number | undefined, Node | number | undefined];
}

function decodingTable(): Uint32Array {
  const nodes: Node[] = [];
  const grow = (mayEnd: boolean): Node => {
    const node: Node = { number: nodes.length, mayEnd, next: [undefined, undefined] };
    nodes.push(node);
    return node;
  };
  const root = grow(true);
  CODES.forEach((code, byte) => {
    let node = root;
    const length = LENGTHS[byte] as number;
    for (let bit = length - 1; bit > 0; bit--) {
      const digit = (code >>> bit) & 1;
      const isPadding = node.mayEnd && digit === 1 && length - bit <= MOST_PADDING_BITS;
      node.next[digit] ??= grow(isPadding);
      node = node.next[digit] as Node;
    }
    node.next[code & 1] = byte;
  });
  const table = new Uint32Array(nodes.length * 16);
  for (const node of nodes)
    for (let bits = 0; bits < 16; bits++) table[node.number * 16 + bits] = stepFrom(node, bits, root);
  return table;
}

function stepFrom(start: Node, bits: number, root: Node): number {
  let node = start;
  let byte = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = node.next[(bits >>> bit) & 1];
    if (next === END_OF_STRING || next === undefined) return IS_WRONG;
    if (typeof next !== 'number') node = next;
    else {
      byte = HAS_BYTE | next;
      node = root;
    }
  }
  return byte | (node.mayEnd ? MAY_END : 0) | (node.number << STATE_SHIFT_BITS);
}

/** Made for the first string: many programs decode none. */
let made: Uint32Array | undefined;
/** What is decoded becomes a string at once. */
let decoded = Buffer.allocUnsafeSlow(4096);

/** Decodes a string. @returns undefined for one that is not in this code (RFC 7541, 5.2) */
export function huffmanDecode(bytes: Buffer, start: number, end: number): string | undefined {
  // The shortest code has five bits.
  const most = Math.ceil(((end - start) * 8) / 5);
  if (decoded.length < most) decoded = Buffer.allocUnsafeSlow(2 * most);
  const target = decoded;
  made ??= decodingTable();
  const table = made;
  let length = 0;
  let step = MAY_END;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    step = table[((step >>> STATE_SHIFT_BITS) << 4) | (byte >>> 4)] as number;
    if ((step & HAS_BYTE) !== 0) target[length++] = step & BYTE_MASK;
    if ((step & IS_WRONG) !== 0) return undefined;
    step = table[((step >>> STATE_SHIFT_BITS) << 4) | (byte & 0xf)] as number;
    if ((step & HAS_BYTE) !== 0) target[length++] = step & BYTE_MASK;
    if ((step & IS_WRONG) !== 0) return undefined;
  }
  return (step & MAY_END) === 0 ? undefined : target.toString('latin1', 0, length);
}
