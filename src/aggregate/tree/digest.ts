import { builtins } from '../../base/builtins.ts';
import { ArgumentError, describe } from '../../base/error.ts';
import type { Slice } from '../slice.ts';
import { combineCrc32, crc32 } from './crc32.ts';
import { factOf } from './facts.ts';

/**
 * 'crc32', or a hash that this Node's OpenSSL has: 'sha1', 'sha256', 'blake2b512', ... (crypto.getHashes()).
 */
export type DigestAlgorithm = 'crc32' | 'sha1' | 'sha256' | 'sha512' | 'blake2b512' | (string & {});

/**
 * The digest of slices one behind the other. Known digests cost nothing: crc32 is kept for each slice and
 * combined, others for the list as a whole. O(bytes not known).
 */
export function digestOf(slices: readonly Slice[], algorithm: DigestAlgorithm): Buffer {
  if (algorithm === 'crc32') return crc32OfSlices(slices);
  checkAlgorithm(algorithm);
  return factOf(slices, algorithm, () => {
    const hash = builtins.crypto.createHash(algorithm);
    for (const { memory } of slices) hash.update(memory);
    return hash.digest();
  });
}

function crc32OfSlices(slices: readonly Slice[]): Buffer {
  let sum = 0;
  for (const slice of slices) {
    const digest = factOf([slice], 'crc32', () => factBytes(crc32(slice.memory)));
    sum = combineCrc32(sum, digest.readUInt32BE(0), slice.length);
  }
  return factBytes(sum);
}

/** A crc32 as a fact. */
export function factBytes(sum: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(sum);
  return bytes;
}

let algorithms: Set<string> | undefined;

/** Whether a hash of this name can be made. */
export function isAlgorithm(name: string): boolean {
  algorithms ??= new Set(builtins.crypto.getHashes());
  return algorithms.has(name);
}

/** Throws ERR_IOLITE_ARGUMENT unless `algorithm` is one. */
function checkAlgorithm(algorithm: unknown): asserts algorithm is string {
  if (typeof algorithm === 'string' && isAlgorithm(algorithm)) return;
  throw new ArgumentError(
    'Cannot digest aggregate: crc32 or a hash of crypto.getHashes() is wanted, ' +
      `${describe(algorithm)} was given`,
  );
}
