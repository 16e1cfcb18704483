import buffer from 'node:buffer';

/** Under this name util.inspect() looks for a method that says how a value is printed. */
export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom');

/** The first bytes in hexadecimal, as many as are printed of a Buffer, and how many more there are. */
export function hexOf(pieces: Iterable<Uint8Array>): string {
  const most = buffer.INSPECT_MAX_BYTES;
  const shown: string[] = [];
  let length = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length && shown.length < most; at++)
      shown.push((piece[at] as number).toString(16).padStart(2, '0'));
    length += piece.length;
  }
  const more = length - shown.length;
  return more > 0 ? `${shown.join(' ')} ... ${more} more byte${more > 1 ? 's' : ''}` : shown.join(' ');
}
