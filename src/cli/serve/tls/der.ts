/** ASN.1 in DER (X.690), as far as a certificate needs it. Small pure functions. */

const TAGS = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
} as const;
/** A tag of the context's own that holds others. */
const CONSTRUCTED = 0xa0;
/** A tag of the context's own that stands in place of another. */
const IMPLICIT = 0x80;

export function sequence(...items: readonly Buffer[]): Buffer {
  return element(TAGS.sequence, ...items);
}

export function set(...items: readonly Buffer[]): Buffer {
  return element(TAGS.set, ...items);
}

/** [number] EXPLICIT. */
export function explicit(number: number, ...items: readonly Buffer[]): Buffer {
  return element(CONSTRUCTED | number, ...items);
}

/** [number] IMPLICIT, of what is no list. */
export function implicit(number: number, content: Buffer): Buffer {
  return element(IMPLICIT | number, content);
}

/** A number of 0 or more. @param bytes the highest first */
export function unsigned(bytes: Buffer): Buffer {
  const start = bytes.findIndex(byte => byte !== 0);
  const digits = start === -1 ? Buffer.alloc(1) : bytes.subarray(start);
  return element(
    TAGS.integer,
    ((digits[0] as number) & 0x80) === 0 ? Buffer.alloc(0) : Buffer.alloc(1),
    digits,
  );
}

export function boolean(value: boolean): Buffer {
  return element(TAGS.boolean, Buffer.from([value ? 0xff : 0]));
}

export function bitString(bytes: Buffer): Buffer {
  // No bits of the last byte are left over.
  return element(TAGS.bitString, Buffer.alloc(1), bytes);
}

export function octetString(bytes: Buffer): Buffer {
  return element(TAGS.octetString, bytes);
}

/** @param name as '2.5.29.17' */
export function objectIdentifier(name: string): Buffer {
  const [first = 0, second = 0, ...others] = name.split('.').map(Number);
  const groups = others.flatMap(number => {
    const digits = [number & 0x7f];
    for (let rest = number >>> 7; rest > 0; rest >>>= 7) digits.unshift(0x80 | (rest & 0x7f));
    return digits;
  });
  return element(TAGS.objectIdentifier, Buffer.from([40 * first + second, ...groups]));
}

export function utf8String(text: string): Buffer {
  return element(TAGS.utf8String, Buffer.from(text));
}

/** A time before 2050 (RFC 5280, 4.1.2.5.1). */
export function utcTime(time: Date): Buffer {
  const digits = time.toISOString().replace(/\D/g, '').slice(2, 14);
  return element(TAGS.utcTime, Buffer.from(`${digits}Z`));
}

function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  const digits = bytes.subarray(bytes.findIndex(byte => byte !== 0));
  return Buffer.concat([Buffer.from([0x80 | digits.length]), digits]);
}
