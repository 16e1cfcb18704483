import type { Chunk, ContentRange } from '../../memory/chunk.ts';
import { type Frame, FrameType, type FrameWriter, protocolError, SLICE_BYTES } from '../wire/frame.ts';

/** Ranges of one question, and characters of the name of what is asked for, at most. */
export const MAX_ASKED_RANGES = 64;
export const MAX_NAME_CHARACTERS = 32;
const COUNT_BYTES = 4;
/** Ranges of one chunk that a peer may ask about: of those that it was sent, the last. */
const MAX_SENT_RANGES = 64;
/** Questions about one generation of a chunk that a peer is answered: each costs as much as a look at it. */
const MAX_QUESTIONS = 16;

/** Writes an ASK frame. @param ranges by the numbers of their chunks */
export function writeQuestion(
  writer: FrameWriter,
  name: string,
  ranges: readonly { readonly index: number; readonly range: ContentRange }[],
): void {
  const length = COUNT_BYTES + ranges.length * SLICE_BYTES + name.length;
  const { buffer, at: start } = writer.frame(FrameType.ASK, 0, length);
  let at = buffer.writeUInt32LE(ranges.length, start);
  for (const { index, range } of ranges)
    for (const field of [index, range.generation, range.start, range.end - range.start])
      at = buffer.writeUInt32LE(field, at);
  buffer.write(name, at, 'latin1');
}

/**
 * Reads an ASK frame. @param chunkOf what we call by a number
 * @returns undefined where it is of a chunk that was revoked meanwhile
 * @throws ERR_IOLITE_PROTOCOL
 */
export function readQuestion<C extends Chunk>(
  { body }: Frame,
  chunkOf: (index: number) => C | undefined,
): { readonly name: string; readonly ranges: (ContentRange & { readonly chunk: C })[] } | undefined {
  const count = body.length < COUNT_BYTES ? 0 : body.readUInt32LE(0);
  const nameAt = COUNT_BYTES + count * SLICE_BYTES;
  const characters = body.length - nameAt;
  if (count === 0 || count > MAX_ASKED_RANGES || characters < 1 || characters > MAX_NAME_CHARACTERS)
    throw protocolError(`it asked for a fact of ${count} slices in ${body.length} bytes`);
  const ranges: (ContentRange & { readonly chunk: C })[] = [];
  for (let at = COUNT_BYTES; at < nameAt; at += SLICE_BYTES) {
    const chunk = chunkOf(body.readUInt32LE(at));
    if (chunk === undefined) return undefined;
    const start = body.readUInt32LE(at + 8);
    const end = start + body.readUInt32LE(at + 12);
    ranges.push({ chunk, generation: body.readUInt32LE(at + 4), start, end });
  }
  return { name: body.toString('latin1', nameAt), ranges };
}

/**
 * What a peer was sent of a chunk lately, so that it may ask about that and nothing else: what lies beside it
 * need not be complete, and a fact of what is filled later would be wrong.
 */
export class SentRanges {
  #generation = 0;
  #answered = 0;
  /** Ends by starts. */
  readonly #ranges = new Map<number, number>();

  note(generation: number, start: number, end: number): void {
    if (generation !== this.#generation) {
      this.#generation = generation;
      this.#answered = 0;
      this.#ranges.clear();
    }
    this.#ranges.set(start, Math.max(end, this.#ranges.get(start) ?? 0));
    if (this.#ranges.size > MAX_SENT_RANGES) this.#ranges.delete(this.#ranges.keys().next().value as number);
  }

  /** Whether a range was sent, and one more question about it is answered: then it counts. */
  admit({ generation, start, end }: ContentRange): boolean {
    if (generation !== this.#generation || this.#answered >= MAX_QUESTIONS || end <= start) return false;
    for (const [first, last] of this.#ranges) {
      if (first > start || end > last) continue;
      this.#answered += 1;
      return true;
    }
    return false;
  }
}
