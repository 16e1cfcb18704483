/** What an entry counts besides its name and value (RFC 7541, 4.1). */
export const ENTRY_OVERHEAD_BYTES = 32;

/** Fields that the other side has told to keep, the newest first (RFC 7541, 2.3.2). */
export class DynamicTable {
  /** A ring of as many entries as there can be: name, value. */
  readonly #entries: (string | undefined)[];
  readonly #mostEntries: number;
  readonly #mostBytes: number;
  #limit: number;
  #newest = 0;
  #count = 0;
  #bytes = 0;
  #generation = 0;

  /** @param mostBytes that the other side may use */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
    this.#limit = mostBytes;
    this.#mostEntries = Math.floor(mostBytes / ENTRY_OVERHEAD_BYTES);
    this.#entries = [];
  }

  /** Changes with every change: what was decoded under the same one means the same. */
  get generation(): number {
    return this.#generation;
  }

  get count(): number {
    return this.#count;
  }

  /** @param index from 0, which is the newest, to less than {@link count} */
  name(index: number): string {
    return this.#entries[2 * this.#placeOf(index)] as string;
  }

  value(index: number): string {
    return this.#entries[2 * this.#placeOf(index) + 1] as string;
  }

  /** One that is larger than the table leaves it empty. */
  add(name: string, value: string): void {
    this.#generation += 1;
    const size = sizeOf(name, value);
    this.#makeRoom(this.#limit - size);
    if (size > this.#limit) return;
    this.#newest = (this.#newest + 1) % this.#mostEntries;
    this.#entries[2 * this.#newest] = name;
    this.#entries[2 * this.#newest + 1] = value;
    this.#count += 1;
    this.#bytes += size;
  }

  /** @returns whether the table may be so large */
  resize(bytes: number): boolean {
    if (bytes > this.#mostBytes) return false;
    this.#generation += 1;
    this.#limit = bytes;
    this.#makeRoom(bytes);
    return true;
  }

  #placeOf(index: number): number {
    return (this.#newest - index + this.#mostEntries) % this.#mostEntries;
  }

  #makeRoom(most: number): void {
    while (this.#count > 0 && this.#bytes > most) {
      const oldest = this.#placeOf(this.#count - 1);
      this.#bytes -= sizeOf(this.#entries[2 * oldest] as string, this.#entries[2 * oldest + 1] as string);
      this.#entries[2 * oldest] = undefined;
      this.#entries[2 * oldest + 1] = undefined;
      this.#count -= 1;
    }
  }
}

function sizeOf(name: string, value: string): number {
  return name.length + value.length + ENTRY_OVERHEAD_BYTES;
}
