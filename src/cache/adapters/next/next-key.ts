import { createHash } from 'node:crypto';

/** What is longer is kept under its digest: Next.js puts all arguments of a function into a key. */
const MAX_PLAIN_CHARACTERS = 1024;

export function keyFor(prefix: string, key: string): string {
  if (key.length <= MAX_PLAIN_CHARACTERS) return `${prefix}${key}`;
  return `${prefix}sha256:${createHash('sha256').update(key).digest('hex')}`;
}
