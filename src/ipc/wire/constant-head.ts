import { ArgumentError, describe } from '../../base/error.ts';
import { encodeHead, type Json } from '../message.ts';

/** What constant heads are in bytes. */
const encodings = new WeakMap<object, Buffer>();

/**
 * Makes a head of messages one that is sent many times: frozen, with all that it holds, and encoded as JSON
 * once, now.
 * @returns the same object
 * @throws ERR_IOLITE_ARGUMENT when JSON cannot say it, ERR_IOLITE_RANGE above 1 MiB
 */
export function constantHead<T extends Json & object>(head: T): T {
  const bytes = encodeHead(head);
  freeze(head);
  encodings.set(head, bytes);
  return head;
}

/** The bytes of a head, as {@link encodeHead}: those of a constant one are there. */
export function bytesOfHead(head: Json | undefined): Buffer {
  return (typeof head === 'object' && head !== null && encodings.get(head)) || encodeHead(head);
}

/**
 * Freezes a head and all that it holds. It is not nested too deep for that: see MAX_HEAD_DEPTH.
 * @throws ERR_IOLITE_ARGUMENT for bytes, which cannot be frozen
 */
export function freeze(head: Json): void {
  if (typeof head !== 'object' || head === null) return;
  if (ArrayBuffer.isView(head)) {
    throw new ArgumentError(`Cannot make a head constant: JSON is wanted, ${describe(head)} was given`);
  }
  for (const part of Object.values(head)) freeze(part as Json);
  Object.freeze(head);
}
