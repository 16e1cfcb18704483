import { IoliteError } from '../../base/error.ts';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../constants.ts';
import { type Address, libc, viewOf } from '../libc.ts';
import { freeMapping, mappingAddresses } from '../thread/ledger.ts';

/** Mapped memory. Its views may outlive the mapping's use: they never become invalid. */
export interface Mapping {
  readonly address: Address;
  readonly length: number;
  readonly bytes: Buffer;
}

/** The addresses that a mapping has. */
export interface MappedRange {
  readonly address: Address;
  readonly length: number;
  /** In the ledger of the thread. */
  readonly place: number | undefined;
  /** Whose addresses they are, in place of this library's: see {@link uncountedMemory}. */
  readonly buffer?: SharedArrayBuffer | undefined;
}

/** And what is known of the ArrayBuffers over them. */
interface Range extends MappedRange {
  /** ArrayBuffers of ours that were not collected. */
  views: number;
  /** Whether programs were given views. */
  isShown: boolean;
  /** Whether one was moved to an ArrayBuffer that nobody knows: the addresses stay for good. */
  isMoved: boolean;
  /** Whether there is nothing but zeros by now. */
  isEmpty: boolean;
}

/** So many ranges that programs had views of keep their addresses for a while, and so many bytes of them. */
const KEPT_RANGES = 1024;
const KEPT_BYTES = 16 * 1024 ** 3;

/**
 * Mapped memory. Unmapping under a live view would crash on its next use. So it waits until the collector has
 * taken the ArrayBuffers over it, and with them every Buffer made from these. Where the addresses are V8's it
 * unmaps them itself then; they stay for as long as anything may come of what programs got.
 *
 *     address ──▶ ┌───────── pages ─────────┐
 *     bytes ──────┤  ours, never handed out │   one ArrayBuffer
 *     shown ──────┤  what programs get      │   another one: whoever moves it moves nothing of ours
 *                 └─────────────────────────┘
 *
 * A byte stream (enqueue, a BYOB reader) and `ArrayBuffer.prototype.transfer` move memory to an ArrayBuffer
 * that no finaliser of ours knows of, out of all views of the old one. There `shown` is made anew, for
 * microseconds, and the addresses are never unmapped. A view can also be moved when the chunk is long gone,
 * and nobody can see that: addresses that were shown are kept as zeros that cost no memory, until 1024 others
 * have followed.
 */
export class MappedMemory {
  readonly address: Address;
  readonly length: number;
  /** For this library alone. */
  readonly bytes: Buffer;
  readonly #range: Range;
  #shown: Buffer | undefined;

  /** @param mapped what is to be unmapped, which may begin before `address` */
  constructor(address: Address, length: number, mapped: MappedRange) {
    this.address = address;
    this.length = length;
    const { buffer } = mapped;
    this.#range = { ...mapped, views: 0, isShown: false, isMoved: false, isEmpty: false };
    this.bytes =
      buffer === undefined
        ? Buffer.from(view(this.#range, address, length))
        : Buffer.from(buffer, address - mapped.address, length);
  }

  /** The same memory for programs, who may do to its ArrayBuffer what they like. 10 us once, then nothing. */
  get shown(): Buffer {
    const shown = this.#shown;
    return shown !== undefined && shown.length === this.length ? shown : this.#show();
  }

  /** Notes that there are only zeros of this process from here on. */
  emptied(): void {
    this.#range.isEmpty = true;
    if (isMoved(this.bytes.buffer) || isMoved(this.#shown?.buffer)) this.#range.isMoved = true;
  }

  #show(): Buffer {
    const range = this.#range;
    range.isShown = true;
    if (this.#shown !== undefined) {
      range.isMoved = true;
      ended.unregister(this);
    }
    const buffer = view(range, this.address, this.length);
    // Held until this object is collected, so that it can be asked then whether it was moved.
    ended.register(this, { range, buffer }, this);
    this.#shown = Buffer.from(buffer);
    return this.#shown;
  }
}

/** Nobody of ours can ask any more what became of the last ArrayBuffer that was shown. */
const ended = new FinalizationRegistry<{ readonly range: Range; readonly buffer: ArrayBuffer }>(
  ({ range, buffer }) => {
    if (isMoved(buffer)) range.isMoved = true;
  },
);

const collected = new FinalizationRegistry<Range>(range => {
  range.views -= 1;
  if (range.views > 0) return;
  if (range.isMoved) {
    // Who ends a thread, or collects a buffer, must not unmap it either.
    if (range.place !== undefined) freeMapping(range.place);
    if (range.buffer !== undefined) keptForGood.push(range.buffer);
  } else if (range.isShown) keep(range);
  else unmap(range);
});

function view(range: Range, address: Address, length: number): ArrayBuffer {
  const buffer = viewOf(address, length);
  Object.defineProperties(buffer, { transfer: NOT_TRANSFERABLE, transferToFixedLength: NOT_TRANSFERABLE });
  range.views += 1;
  collected.register(buffer, range);
  return buffer;
}

/** Who calls it by its name is told; whoever else moves the memory: see {@link MappedMemory}. */
const NOT_TRANSFERABLE: PropertyDescriptor = {
  value: () => {
    throw new IoliteError(
      'ERR_IOLITE_UNSUPPORTED',
      'Cannot transfer an ArrayBuffer of iolite: its memory is mapped',
    );
  },
};

/** No mapping has a length of 0. */
function isMoved(buffer: ArrayBufferLike | undefined): boolean {
  return buffer?.byteLength === 0;
}

/** Of ranges that were moved. */
const keptForGood: SharedArrayBuffer[] = [];
const kept: Range[] = [];
let keptBytes = 0;

/** Keeps the addresses for some time, without memory behind them where the kernel lets us. */
function keep(range: Range): void {
  range.isEmpty ||= mapZeros(range.address, range.length);
  kept.push(range);
  keptBytes += range.length;
  while (kept.length > KEPT_RANGES || (keptBytes > KEPT_BYTES && kept.length > 1)) {
    const oldest = kept.shift() as Range;
    keptBytes -= oldest.length;
    unmap(oldest);
  }
}

function unmap({ address, length, place, buffer }: Range): void {
  // V8 does it, when nobody has a view of it.
  if (buffer !== undefined) return;
  const { munmap } = libc();
  if (place !== undefined && mappingAddresses !== undefined) mappingAddresses[place] = 0;
  munmap(address, length);
  if (place !== undefined) freeMapping(place);
}

/** Maps private zeros over a range, which cost nothing until they are written. @returns whether it worked */
export function mapZeros(address: Address, length: number): boolean {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
  return libc().mmap(address, length, PROT_READ | PROT_WRITE, flags, -1, 0) !== -1;
}
