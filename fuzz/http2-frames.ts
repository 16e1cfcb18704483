import { huffmanEncode, huffmanLength } from '../src/http/http2/hpack/huffman-code.ts';
import { frame, KIND, settings, uint32 } from '../test/http/http2/support/raw-http2.ts';
import type { Random } from './random.ts';

/** Names and values of fields. */
export const TEXTS = [
  ...[
    ':method',
    'GET',
    'POST',
    ':scheme',
    'http',
    ':path',
    '/',
    ':authority',
    'a',
    'host',
    'content-length',
    '3',
  ],
  ...[
    'te',
    'trailers',
    'connection',
    'close',
    'cookie',
    'x'.repeat(300),
    'Upper',
    'a b',
    '\r\n',
    ':x',
    'u=1',
  ],
  ...['expect', '100-continue', 'CONNECT', ':protocol', 'websocket', 'priority', '', 'transfer-encoding'],
];
const USUAL = [
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'a'],
] as const;
const SIZES = [0, 1, 100, 16_384, 65_535, 0x7fff_ffff];

/** A string of HPACK (RFC 7541, 5.2). */
function stringOf(text: string, random: Random): Buffer {
  const isHuffman = random.chance(0.4);
  const coded: number[] = [];
  if (isHuffman) huffmanEncode(text, coded);
  else coded.push(...Buffer.from(text, 'latin1'));
  const length = isHuffman ? huffmanLength(text) : text.length;
  const bytes = [(isHuffman ? 0x80 : 0) | Math.min(length, 0x7f)];
  if (length >= 0x7f) {
    let left = length - 0x7f;
    for (; left >= 0x80; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
    bytes.push(left);
  }
  return Buffer.from([...bytes, ...coded]);
}

function fieldOf(name: string, value: string, random: Random): Buffer {
  const way = random.pick([0, 0x10, 0x40]);
  return Buffer.concat([Buffer.of(way), stringOf(name, random), stringOf(value, random)]);
}

function blockOf(random: Random): Buffer {
  const method = [':method', random.pick(['GET', 'POST'])] as const;
  const fields = [method, ...USUAL]
    .filter(() => random.chance(0.97))
    .map(([name, value]) => fieldOf(name, value, random));
  fields.push(...random.several(3, () => fieldOf(random.pick(TEXTS), random.pick(TEXTS), random)));
  if (random.chance(0.3)) fields.push(Buffer.of(0x80 | random.below(80)));
  if (random.chance(0.1)) fields.unshift(Buffer.of(0x20 | random.below(32), random.below(128)));
  return Buffer.concat(fields);
}

export function frameOf(random: Random): Buffer {
  const stream = 1 + 2 * random.below(4);
  const flags = random.chance(0.8) ? random.pick([4, 5, 5, 1, 0]) : random.below(256);
  switch (random.below(9)) {
    case 0:
      return frame(KIND.data, random.pick([0, 1, 8]), stream, random.bytes(random.size(100)));
    case 1:
      return settings([random.below(9), random.pick(SIZES)]);
    case 2:
      return frame(KIND.windowUpdate, 0, random.chance(0.5) ? 0 : stream, uint32(random.pick(SIZES)));
    case 3:
      return frame(random.pick([KIND.reset, KIND.priority]), 0, stream, random.bytes(random.pick([4, 5])));
    case 4:
      return frame(KIND.continuation, random.pick([0, 4]), stream, blockOf(random));
    case 5:
      return frame(random.below(12), random.below(256), random.below(9), random.bytes(random.size(40)));
    default:
      return frame(KIND.headers, flags, stream, blockOf(random));
  }
}
