import fc from 'fast-check';

/**
 * Bytes that the four-at-a-time path sees at every alignment: long runs, and values near those looked for.
 */
export const long = fc
  .array(fc.constantFrom(0, 8, 9, 10, 13, 14, 31, 32, 33, 97, 127, 128, 137, 138, 141, 160, 255), {
    minLength: 0,
    maxLength: 300,
  })
  .chain(bytes =>
    fc
      .nat(1500)
      .map(times =>
        Buffer.concat([Buffer.from(bytes), Buffer.alloc(times, bytes[0] ?? 32), Buffer.from(bytes)]),
      ),
  );
