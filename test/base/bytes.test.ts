import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bufferOver, checkEncoding, isBytes } from '../../src/base/bytes.ts';

test('bytes are views and array buffers, of whatever realm or class', () => {
  class Own extends Uint8Array {}
  for (const bytes of [Buffer.alloc(1), new Uint8Array(1), new Own(1), new ArrayBuffer(1)]) {
    assert.equal(isBytes(bytes), true);
  }
  for (const bytes of [new SharedArrayBuffer(1), new Float64Array(1), new DataView(new ArrayBuffer(1))]) {
    assert.equal(isBytes(bytes), true);
  }
  const others = [undefined, null, 'bytes', 7, [1], { length: 1 }, new Blob(['x'])];
  for (const other of others) assert.equal(isBytes(other), false);
});

test('bufferOver() is the same memory', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), fc.nat(), (whole, from, to) => {
      const [start, end] = [from % whole.length, to % (whole.length + 1)].sort((a, b) => a - b);
      const bytes = whole.subarray(start, end);
      const buffer = bufferOver(bytes);
      assert.ok(Buffer.isBuffer(buffer));
      assert.ok(buffer.equals(bytes));
      if (bytes.length === 0) return;
      bytes[0] = (bytes[0] as number) ^ 0xff;
      assert.equal(buffer[0], bytes[0]);
    }),
  );
  const memory = new ArrayBuffer(3);
  assert.equal(bufferOver(memory).buffer, memory);
  const own = Buffer.from('own');
  assert.equal(bufferOver(own), own);
});

test('bufferOver() is what a view shows, whatever its elements', () => {
  const memory = Uint8Array.from({ length: 32 }, (_, i) => i).buffer;
  for (const View of [Int8Array, Uint8ClampedArray, Uint16Array, Float32Array, BigInt64Array]) {
    const view = new View(memory, 8, 2);
    const { buffer, byteOffset, length } = bufferOver(view);
    assert.deepEqual([buffer, byteOffset, length], [memory, 8, 2 * View.BYTES_PER_ELEMENT]);
  }
  assert.deepEqual([...bufferOver(new DataView(memory, 3, 4))], [3, 4, 5, 6]);
  const shared = new SharedArrayBuffer(2);
  assert.equal(bufferOver(shared).buffer, shared);
});

test('bufferOver() trusts no getter of a subclass', () => {
  class Liar extends Uint8Array {
    override get byteOffset(): number {
      return 0;
    }
    override get byteLength(): number {
      return 1000;
    }
    override get buffer(): ArrayBuffer {
      return new ArrayBuffer(1000);
    }
  }
  const memory = Uint8Array.from([1, 2, 3, 4]);
  const liar = new Liar(memory.buffer, 1, 2);
  assert.deepEqual([...bufferOver(liar)], [2, 3]);
});

test('checkEncoding() takes what Buffer knows', () => {
  for (const encoding of ['utf8', 'UTF-8', 'latin1', 'hex', 'base64url']) checkEncoding(encoding, 'read');
  for (const other of ['utf-9', '', undefined, 8, {}]) {
    assert.throws(() => checkEncoding(other, 'read'), {
      code: 'ERR_IOLITE_ARGUMENT',
      message: /^Cannot read: an encoding is wanted, .* was given$/,
    });
  }
});
