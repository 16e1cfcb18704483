import fc from 'fast-check';

/** Files as tools meet them: lines, empty ones too, any bytes, CRLF, with and without a final newline. */
export const files: fc.Arbitrary<Buffer> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.stringMatching(/^[ab \t.x]{0,6}$/).map(text => Buffer.from(text)) },
      {
        weight: 3,
        arbitrary: fc.constantFrom('\n', '\n', '\n\n', '\r\n', '\r', '\0').map(text => Buffer.from(text)),
      },
      { weight: 1, arbitrary: fc.constantFrom('é', '€', '𝄞', 'Ä').map(text => Buffer.from(text)) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 5 }).map(bytes => Buffer.from(bytes)) },
    ),
    { maxLength: 25 },
  )
  .map(parts => Buffer.concat(parts));

/** Lengths of the blocks that a stream comes in; the last is repeated. */
export const cuts: fc.Arbitrary<readonly number[]> = fc.oneof(
  fc.constant<readonly number[]>([1]),
  fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 }),
  fc.constant<readonly number[]>([1 << 20]),
);

/** The bytes in blocks of these lengths, each a copy that is overwritten when the next is asked for. */
export function* blocksOf(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[Math.min(i, lengths.length - 1)] as number;
    const block = Buffer.from(bytes.subarray(at, at + length));
    yield block;
    block.fill(0xee);
    at += length;
  }
}
