import { Aggregate } from '../src/aggregate/aggregate.ts';

export function chunksOf(bytes: Buffer, size: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

/** Of slices that do not merge. */
export function aggregateOf(chunks: readonly Buffer[]): Aggregate {
  const whole = Aggregate.empty();
  for (const piece of chunks) {
    using part = Aggregate.adopt(piece);
    whole.append(part);
  }
  return whole;
}
