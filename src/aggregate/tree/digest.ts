import { createHash, getHashes } from 'node:crypto';
import { ArgumentError, describe } from '../../base/error.ts';
import type { Lease } from '../../memory/lease.ts';
import type { Slice } from '../slice.ts';
import { combineCrc32, crc32 } from './crc32.ts';

/**
 * 'crc32', or a hash that this Node's OpenSSL has: 'sha1', 'sha256', 'blake2b512', ... (crypto.getHashes()).
 */
export type DigestAlgorithm = 'crc32' | 'sha1' | 'sha256' | 'sha512' | 'blake2b512' | (string & {});

/** Digests kept for one buffer, at most. */
const KEPT_DIGESTS = 64;
/** Digests of longer lists of slices are not kept: to name them would cost as much as it saves. */
const NAMED_SLICES = 64;

/**
 * Digests by what they are of. Buffers are immutable, so that a digest holds as long as the buffer lives; it
 * goes with the buffer's lease.
 */
const kept = new WeakMap<Lease, Map<string, Buffer>>();

/**
 * The digest of slices one behind the other. Known digests cost nothing: crc32 is kept for each slice and
 * combined, others for the list as a whole. O(bytes not known).
 */
export function digestOf(slices: readonly Slice[], algorithm: DigestAlgorithm): Buffer {
  if (algorithm === 'crc32') return crc32OfSlices(slices);
  checkAlgorithm(algorithm);
  const compute = (): Buffer => {
    const hash = createHash(algorithm);
    for (const { memory } of slices) hash.update(memory);
    return hash.digest();
  };
  const [first] = slices;
  const isNamed = slices.length <= NAMED_SLICES && !slices.some(({ lease }) => lease.chunk.isWritable);
  if (first === undefined || !isNamed) return compute();
  return remember(first.lease, `${algorithm} ${slices.map(nameOf).join(' ')}`, compute);
}

function crc32OfSlices(slices: readonly Slice[]): Buffer {
  let sum = 0;
  for (const slice of slices) {
    const digest = remember(slice.lease, `crc32 ${nameOf(slice)}`, () => toBytes(crc32(slice.memory)));
    sum = combineCrc32(sum, digest.readUInt32BE(0), slice.length);
  }
  return toBytes(sum);
}

function toBytes(sum: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(sum);
  return bytes;
}

/** Names the content of a slice, as its id does. */
function nameOf({ lease, start, end }: Slice): string {
  return `${lease.chunk.id}.${lease.generation}.${start}.${end}`;
}

function remember(lease: Lease, name: string, compute: () => Buffer): Buffer {
  if (lease.chunk.isWritable) return compute();
  let digests = kept.get(lease);
  if (digests === undefined) {
    digests = new Map();
    kept.set(lease, digests);
  }
  const known = digests.get(name);
  if (known !== undefined) return known;
  const digest = compute();
  if (digests.size >= KEPT_DIGESTS) digests.delete(digests.keys().next().value as string);
  digests.set(name, digest);
  return digest;
}

let algorithms: Set<string> | undefined;

/** Throws ERR_IOLITE_ARGUMENT unless `algorithm` is one. */
function checkAlgorithm(algorithm: unknown): asserts algorithm is string {
  algorithms ??= new Set(getHashes());
  if (typeof algorithm === 'string' && algorithms.has(algorithm)) return;
  throw new ArgumentError(
    'Cannot digest aggregate: crc32 or a hash of crypto.getHashes() is wanted, ' +
      `${describe(algorithm)} was given`,
  );
}
