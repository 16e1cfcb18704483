/** What is longer is not kept: with thousands of entries it would take too much. */
const MAX_CHARACTERS = 512;

/**
 * A text that a peer has sent, as a key to be kept for long: one of its own, which does not keep what it was
 * cut from.
 * @returns undefined for one that is too long to be kept, or beyond latin1, in which heads are read
 */
export function shortCopy(text: string): string | undefined {
  if (text.length > MAX_CHARACTERS || /[^\x20-\xff]/.test(text)) return undefined;
  return Buffer.from(text, 'latin1').toString('latin1');
}
