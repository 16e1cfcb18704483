import type { Lease } from './lease.ts';

/** Room for one buffer: writable until committed. Holds one reference of its lease. */
export interface Reservation {
  readonly lease: Lease;
  readonly offset: number;
  readonly length: number;
  /** The room itself. Fill it, then commit. */
  readonly bytes: Buffer;
}
