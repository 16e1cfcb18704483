import { DynamicTable, ENTRY_OVERHEAD_BYTES } from './dynamic-table.ts';
import { huffmanDecode } from './huffman-code.ts';
import { STATIC_FIELDS, staticName, staticValue } from './static-table.ts';

/** What the other side may use unless it is told something else (RFC 9113, 6.5.2). */
const TABLE_BYTES = 4096;
/** Nothing that an integer tells is larger: indices and lengths lie within a block. */
const MOST_INTEGER = 0x1000_0000;

/**
 * Decodes the blocks of fields of one connection, in their order (RFC 7541). Strict: what the standard has as
 * an error is one.
 */
export class FieldDecoder {
  readonly #table = new DynamicTable(TABLE_BYTES);
  readonly #mostListBytes: number;
  /** What is being decoded, and how far. */
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #isWrong = false;
  #list: string[] = [];
  #listBytes = 0;
  #needsTable = false;

  /** @param mostListBytes of all names and values, and 32 for each field: what is beyond is passed over */
  constructor(mostListBytes: number) {
    this.#mostListBytes = mostListBytes;
  }

  /** A block that changed nothing means the same as long as this is the same. */
  get generation(): number {
    return this.#table.generation;
  }

  /** Whether what was decoded last referred to what came before. */
  get neededTable(): boolean {
    return this.#needsTable;
  }

  /** Whether the last list is not complete, as it would be larger than it may be. */
  get isTooLarge(): boolean {
    return this.#listBytes > this.#mostListBytes;
  }

  /**
   * @returns the fields: name, value, name, value; undefined for a block that cannot be decoded, after which
   *   none can
   */
  decode(bytes: Buffer, start: number, end: number): string[] | undefined {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#isWrong = false;
    this.#list = [];
    this.#listBytes = 0;
    this.#needsTable = false;
    let mayResize = true;
    while (this.#at < this.#end && !this.#isWrong) {
      const first = bytes[this.#at] as number;
      if ((first & 0xe0) !== 0x20) {
        mayResize = false;
        this.#field(first);
      } else if (!mayResize || !this.#table.resize(this.#integer(5))) {
        this.#isWrong = true;
      }
    }
    const list = this.#list;
    this.#list = [];
    this.#bytes = NOTHING;
    return this.#isWrong ? undefined : list;
  }

  #field(first: number): void {
    if ((first & 0x80) !== 0) {
      const index = this.#integer(7);
      this.#keep(this.#nameAt(index), this.#valueAt(index));
      return;
    }
    const isKept = (first & 0x40) !== 0;
    const index = this.#integer(isKept ? 6 : 4);
    const name = index === 0 ? this.#string() : this.#nameAt(index);
    const value = this.#string();
    if (this.#isWrong) return;
    if (isKept) this.#table.add(name, value);
    this.#keep(name, value);
  }

  #keep(name: string, value: string): void {
    this.#listBytes += name.length + value.length + ENTRY_OVERHEAD_BYTES;
    if (this.#listBytes <= this.#mostListBytes) this.#list.push(name, value);
  }

  #nameAt(index: number): string {
    if (index >= 1 && index <= STATIC_FIELDS) return staticName(index);
    return this.#isInTable(index) ? this.#table.name(index - STATIC_FIELDS - 1) : '';
  }

  #valueAt(index: number): string {
    if (index >= 1 && index <= STATIC_FIELDS) return staticValue(index);
    return this.#isInTable(index) ? this.#table.value(index - STATIC_FIELDS - 1) : '';
  }

  #isInTable(index: number): boolean {
    this.#needsTable = true;
    if (index > STATIC_FIELDS && index - STATIC_FIELDS <= this.#table.count) return true;
    this.#isWrong = true;
    return false;
  }

  /** @param prefix bits of it in the first byte (RFC 7541, 5.1) */
  #integer(prefix: number): number {
    const most = (1 << prefix) - 1;
    let value = this.#byte() & most;
    if (value < most) return value;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if (value > MOST_INTEGER) break;
      if ((byte & 0x80) === 0) return value;
    }
    this.#isWrong = true;
    return 0;
  }

  #string(): string {
    if (this.#at >= this.#end) {
      this.#isWrong = true;
      return '';
    }
    const isHuffman = ((this.#bytes[this.#at] as number) & 0x80) !== 0;
    const length = this.#integer(7);
    const start = this.#at;
    if (this.#isWrong || length > this.#end - start) {
      this.#isWrong = true;
      return '';
    }
    this.#at += length;
    if (!isHuffman) return this.#bytes.toString('latin1', start, this.#at);
    const text = huffmanDecode(this.#bytes, start, this.#at);
    if (text === undefined) this.#isWrong = true;
    return text ?? '';
  }

  #byte(): number {
    if (this.#at < this.#end) return this.#bytes[this.#at++] as number;
    this.#isWrong = true;
    return 0;
  }
}

const NOTHING = Buffer.alloc(0);
