import { builtins } from '../../base/builtins.ts';

/** The polynomial of CRC-32 (ISO 3309, as zlib and gzip use it), bits reversed. */
const POLYNOMIAL = 0xedb88320;

/** The CRC-32 of bytes, an unsigned 32-bit number. */
export function crc32(bytes: Uint8Array): number {
  return builtins.zlib.crc32(bytes);
}

/**
 * The CRC-32 of two byte runs one behind the other, from the CRC-32 of each and the length of the second: the
 * first is multiplied by x^(8 length) modulo the polynomial. O(log length).
 */
export function combineCrc32(first: number, second: number, secondLength: number): number {
  return (multiply(powerOfX(secondLength), first) ^ second) >>> 0;
}

/** Product of two polynomials modulo the polynomial; bit 31 is the coefficient of x^0. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bit = 1 << 31; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= factor;
    factor = (factor & 1) === 0 ? factor >>> 1 : (factor >>> 1) ^ POLYNOMIAL;
  }
  return product;
}

/** x to the power of 2^n, for n from 3 on (8 bits), made as far as was needed. */
const powers = [1 << 23];

/** x to the power of 8 length, modulo the polynomial. */
function powerOfX(length: number): number {
  let power = 1 << 31;
  let left = length;
  for (let n = 0; left > 0; n++) {
    const known = powers[n] ?? multiply(powers[n - 1] as number, powers[n - 1] as number);
    powers[n] = known;
    if (left % 2 === 1) power = multiply(known, power);
    left = Math.floor(left / 2);
  }
  return power;
}
