import { isUtf8 } from 'node:buffer';
import type { Json } from '../message.ts';
import { broken } from './frame.ts';

/**
 * How deep arrays and objects of a head may be nested: what works on them recursively must not overflow the
 * stack.
 */
export const MAX_HEAD_DEPTH = 512;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** '[' and '{', ']' and '}' differ in this bit only. */
const CURLY = 0x20;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** A head as it came. @throws ERR_IOLITE_PROTOCOL unless it is JSON in UTF-8, not too deeply nested */
export function parseHead(bytes: Buffer, start: number, end: number): Json {
  const head = bytes.subarray(start, end);
  if (!isUtf8(head)) throw broken('the head of a message is not UTF-8');
  if (isTooDeep(head)) throw broken(`the head of a message is nested more than ${MAX_HEAD_DEPTH} deep`);
  try {
    return JSON.parse(head.toString());
  } catch {
    throw broken('the head of a message is not JSON');
  }
}

/** Whether JSON in UTF-8 is nested deeper than a head may be. Short heads cost nothing. */
export function isTooDeep(json: Buffer): boolean {
  if (json.length <= MAX_HEAD_DEPTH) return false;
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] as number;
    if (quoted) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if ((byte & ~CURLY) === OPEN) {
      depth += 1;
      if (depth > MAX_HEAD_DEPTH) return true;
    } else if ((byte & ~CURLY) === CLOSE) depth -= 1;
  }
  return false;
}
