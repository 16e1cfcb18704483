import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../src/aggregate/pool.ts';
import { CONTENT_BYTES, RecordType, recordHead, requestRecords } from '../../../src/http/fastcgi/record.ts';
import { RecordParser } from '../../../src/http/fastcgi/record-parser.ts';
import { decodePairs } from './support/decode-pairs.ts';

const pool = createPool();

/** What a parser says of bytes that come in pieces. */
function parsed(bytes: Uint8Array, cuts: readonly number[]): { output: string; error: string; ends: number } {
  const said = { output: '', error: '', ends: 0 };
  const text = (part: Aggregate): string => {
    using taken = part;
    return taken.toString('latin1');
  };
  const parser = new RecordParser({
    output: part => {
      said.output += text(part);
    },
    error: part => {
      said.error += text(part);
    },
    ended: () => {
      said.ends += 1;
    },
  });
  const ends = [...new Set(cuts.map(cut => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let at = 0;
  for (const end of [...ends, bytes.length]) {
    using piece = pool.from(bytes.slice(at, end));
    parser.push(piece);
    at = end;
  }
  return said;
}

const content = fc.string({ maxLength: 300, unit: 'binary-ascii' });

test('records are read however they are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), content, fc.nat(255)), { maxLength: 10 }),
      fc.array(fc.nat(), { maxLength: 20 }),
      (parts, cuts) => {
        const records = parts.map(([isError, text, padding]) => {
          const head = recordHead(isError ? RecordType.STDERR : RecordType.STDOUT, text.length);
          head[6] = padding;
          return Buffer.concat([head, Buffer.from(text, 'latin1'), Buffer.alloc(padding)]);
        });
        const end = Buffer.concat([recordHead(RecordType.END_REQUEST, 8), Buffer.alloc(8)]);
        const wanted = (of: boolean): string =>
          parts
            .filter(([each]) => each === of)
            .map(([, text]) => text)
            .join('');
        assert.deepEqual(parsed(Buffer.concat([...records, end]), cuts), {
          output: wanted(false),
          error: wanted(true),
          ends: 1,
        });
      },
    ),
  );
});

test('bytes of whatever kind are records, or a fault of the protocol', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(), { maxLength: 5 }), (bytes, cuts) => {
      // Often the head of a record that could be one.
      if (bytes.length > 4 && (bytes[0] as number) % 2 === 0) bytes.set([1, 6, 0, 1]);
      try {
        parsed(bytes, cuts);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ERR_IOLITE_PROTOCOL');
      }
    }),
  );
});

test('parameters of whatever size go in records that are not too large', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(content, fc.string({ maxLength: 300 })), { maxLength: 10 }), given => {
      const long: [string, string][] = [...given, ['LONG', 'x'.repeat(CONTENT_BYTES)]];
      const bytes = requestRecords(long.flat(), true);
      const params: Buffer[] = [];
      for (let at = 16; at < bytes.length; ) {
        const length = bytes.readUInt16BE(at + 4);
        assert.equal(bytes[at + 1], RecordType.PARAMS);
        params.push(bytes.subarray(at + 8, at + 8 + length));
        at += 8 + length;
      }
      assert.equal(params.at(-1)?.length, 0);
      const read = decodePairs(Buffer.concat(params));
      const wanted = new Map(long);
      assert.deepEqual([...(read?.keys() ?? [])], [...wanted.keys()]);
      for (const [name, value] of wanted) {
        const isLatin = /^[\0-\x7f]*$/.test(value);
        if (isLatin) assert.equal(read?.get(name), value);
      }
    }),
  );
});
