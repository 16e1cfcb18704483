/** Counters of a pool. Bytes unless said otherwise. */
export interface PoolStats {
  /** Chunks that exist now. */
  readonly chunks: number;
  /** Chunks of these that hold no live slice here; another domain may still lease them. */
  readonly chunksIdle: number;
  readonly bytesMapped: number;
  /** Size of the chunks that hold a live slice or draft in this domain. */
  readonly bytesLive: number;
  /** How often a chunk was refilled instead of made. */
  readonly recycled: number;
  /** How many buffers were allocated. */
  readonly allocated: number;
  /** Leases that the garbage collector had to end because nobody released their slices. */
  readonly leaked: number;
}
