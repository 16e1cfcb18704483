/**
 * What tells values of this copy of iolite from those of another copy in the same program (bundles, several
 * versions side by side): a symbol that all copies share, under which each has an object of its own.
 */
const BRAND: unique symbol = Symbol.for('iolite.copy');

/** The mark of this copy. */
const COPY: object = {};

/** Whether a value is of a class of iolite, but of another copy. */
export function isOfOtherCopy(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const copy = (value as { readonly [BRAND]?: unknown })[BRAND];
  return copy !== undefined && copy !== COPY;
}

/** A copy of the bytes of an aggregate of another copy of iolite; undefined for anything else. O(bytes). */
export function bytesOfOtherCopy(value: unknown): Buffer | undefined {
  if (!isOfOtherCopy(value)) return undefined;
  const { toBuffer } = value as { readonly toBuffer?: unknown };
  return typeof toBuffer === 'function' ? (toBuffer.call(value) as Buffer) : undefined;
}

/** Marks the instances of a class as this copy's. */
export function brand(made: { readonly prototype: object }): void {
  Object.defineProperty(made.prototype, BRAND, { value: COPY });
}
