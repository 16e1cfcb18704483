/** By what files are listed, the most first, but for paths. */
export const FILE_ORDERS = ['uses', 'size', 'newest', 'path'] as const;
export type FileOrder = (typeof FILE_ORDERS)[number];

/** A cached file in a list. Times are milliseconds since it happened. */
export interface FileRow {
  readonly path: string;
  /** Bytes of its content. */
  readonly size: number;
  /** Bytes of memory that it takes, with its forms; 0 where it is kept by extents. */
  readonly kept: number;
  readonly mediaType: string;
  /** Codings of its forms. */
  readonly forms: readonly string[];
  readonly uses: number;
  readonly age: number;
  readonly sinceUse: number;
}

/** Where a page of a list begins: behind this file. */
export interface FilePlace {
  readonly value: number;
  readonly path: string;
}

/** What a file is listed by. @param loadedAt when it came */
export function listPlaceOf(
  path: string,
  { uses, size, loadedAt }: { readonly uses: number; readonly size: number; readonly loadedAt: number },
  order: FileOrder,
): FilePlace {
  const values = { uses, size, newest: loadedAt, path: 0 };
  return { value: values[order], path };
}

/** Below 0 where `a` comes before `b`: the higher value does, and of equal ones the path that sorts first. */
function comparePlaces(a: FilePlace, b: FilePlace): number {
  if (a.value !== b.value) return b.value - a.value;
  return a.path < b.path ? -1 : Number(a.path > b.path);
}

interface Placed {
  readonly place: FilePlace;
  readonly row: FileRow;
}

/**
 * Of many files the first `count` behind a place, and how many there are. Takes each file once, in any order:
 * O(log count) for one that is among the first so far, and one comparison for all others.
 */
export class FirstFiles {
  readonly #count: number;
  readonly #after: FilePlace | undefined;
  /** In order. */
  readonly #first: Placed[] = [];
  #behind = 0;

  constructor(count: number, after: FilePlace | undefined) {
    this.#count = count;
    this.#after = after;
  }

  /** @param row made where it is needed */
  add(place: FilePlace, row: () => FileRow): void {
    if (this.#after !== undefined && comparePlaces(place, this.#after) <= 0) return;
    this.#behind += 1;
    const last = this.#first.at(-1);
    if (this.#first.length === this.#count && last !== undefined && comparePlaces(place, last.place) > 0)
      return;
    this.#first.splice(this.#indexOf(place), 0, { place, row: row() });
    if (this.#first.length > this.#count) this.#first.pop();
  }

  get rows(): readonly FileRow[] {
    return this.#first.map(({ row }) => row);
  }

  /** Where the next page begins; undefined where this is the last. */
  get next(): FilePlace | undefined {
    return this.#behind > this.#first.length ? this.#first.at(-1)?.place : undefined;
  }

  #indexOf(place: FilePlace): number {
    let [low, high] = [0, this.#first.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const there = this.#first[middle] as Placed;
      if (comparePlaces(place, there.place) < 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
