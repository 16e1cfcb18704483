import { workerData } from 'node:worker_threads';
import { familyOf, THREAD } from './termination.ts';

/**
 * What worker threads hold of the process: descriptors and mappings. A thread that is terminated closes and
 * unmaps nothing, and runs no finaliser; its locks, which live in descriptors, would stand as long as the
 * process. So each thread notes what it holds in memory that all threads share, and who started it takes it
 * back when it has ended.
 *
 * V8 ends a thread's program only where a function begins or a loop repeats. So a note is safe when it is
 * stored right after the call that brought what it is of, with no call of a function of ours between: that is
 * why callers write `descriptorOwners[fd] = THREAD` themselves. It is taken off before the descriptor is
 * closed: its number may then be another thread's.
 *
 * A thread that was not started by spawnThread(), and the main thread, keep no ledger.
 */
const MAX_DESCRIPTORS = 1 << 20;
const MAX_MAPPINGS = 1 << 16;

/** The key of the ledger in `workerData`. */
export const LEDGER_KEY = 'iolite:ledger';

/**
 * The shared tables. An owner is a thread's place, 0 for none. Memory that was never written costs nothing.
 */
class Ledger {
  static readonly BYTES = 4 * (MAX_DESCRIPTORS + MAX_MAPPINGS) + 16 * MAX_MAPPINGS;
  readonly memory: SharedArrayBuffer;
  readonly descriptorOwners: Int32Array;
  readonly mappingOwners: Int32Array;
  readonly addresses: Float64Array;
  readonly lengths: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    let at = 0;
    const take = (bytes: number): number => {
      at += bytes;
      return at - bytes;
    };
    this.memory = memory;
    this.addresses = new Float64Array(memory, take(8 * MAX_MAPPINGS), MAX_MAPPINGS);
    this.lengths = new Float64Array(memory, take(8 * MAX_MAPPINGS), MAX_MAPPINGS);
    this.descriptorOwners = new Int32Array(memory, take(4 * MAX_DESCRIPTORS), MAX_DESCRIPTORS);
    this.mappingOwners = new Int32Array(memory, take(4 * MAX_MAPPINGS), MAX_MAPPINGS);
  }
}

const given: unknown = workerData?.[LEDGER_KEY];
const own = given instanceof SharedArrayBuffer ? new Ledger(given) : undefined;

/** Where this thread notes its descriptors, by number; undefined when it keeps no ledger. */
export const descriptorOwners: Int32Array | undefined = own?.descriptorOwners;
/** Where it notes the address of a mapping, by the place that {@link claimMapping} gave it. */
export const mappingAddresses: Float64Array | undefined = own?.addresses;

let nextPlace = 0;

/** A place for a mapping that is about to be made; undefined when there is none, or no ledger. */
export function claimMapping(length: number): number | undefined {
  if (own === undefined) return undefined;
  for (let tries = 0; tries < MAX_MAPPINGS; tries++) {
    const place = nextPlace;
    nextPlace = (nextPlace + 1) % MAX_MAPPINGS;
    if (Atomics.compareExchange(own.mappingOwners, place, 0, THREAD) !== 0) continue;
    own.addresses[place] = 0;
    own.lengths[place] = length;
    return place;
  }
  return undefined;
}

/** Frees the place of a mapping that is gone. */
export function freeMapping(place: number): void {
  if (own === undefined) return;
  own.addresses[place] = 0;
  Atomics.store(own.mappingOwners, place, 0);
}

let shared: Ledger | undefined = own;

/** The memory of the ledger that all threads of this process keep, for the `workerData` of one more. */
export function sharedLedger(): SharedArrayBuffer {
  shared ??= new Ledger(new SharedArrayBuffer(Ledger.BYTES));
  return shared.memory;
}

/**
 * Takes what a thread that has ended, and the threads it had started, left noted.
 * @returns the descriptors and mappings, now the caller's to close and unmap
 */
export function takeHoldings(thread: number): {
  readonly descriptors: number[];
  readonly mappings: { readonly address: number; readonly length: number }[];
} {
  const descriptors: number[] = [];
  const mappings: { address: number; length: number }[] = [];
  if (shared === undefined) return { descriptors, mappings };
  const { descriptorOwners: owners, mappingOwners, addresses, lengths } = shared;
  const family = familyOf(thread);
  for (let fd = 0; fd < MAX_DESCRIPTORS; fd++) {
    if (owners[fd] === 0 || !family.has(owners[fd] as number)) continue;
    owners[fd] = 0;
    descriptors.push(fd);
  }
  for (let place = 0; place < MAX_MAPPINGS; place++) {
    if (mappingOwners[place] === 0 || !family.has(mappingOwners[place] as number)) continue;
    const [address, length] = [addresses[place] as number, lengths[place] as number];
    if (address !== 0) mappings.push({ address, length });
    addresses[place] = 0;
    Atomics.store(mappingOwners, place, 0);
  }
  return { descriptors, mappings };
}
