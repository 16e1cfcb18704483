/**
 * iolite: one physical copy of I/O data. Immutable buffers in shared memory, mutable aggregates over them,
 * passed between processes by reference.
 * @packageDocumentation
 */

export { Aggregate, AggregateReader } from './aggregate/aggregate.ts';
export { AggregateWritable, type AggregateWritableOptions } from './aggregate/aggregate-writable.ts';
export type { ByteSequence, Content } from './aggregate/byte-sequence.ts';
export { Draft } from './aggregate/draft.ts';
export { type Leak, type LeakDetection, setLeakDetection } from './aggregate/leak-detector.ts';
export { createPool, Pool } from './aggregate/pool.ts';
export { IncompleteError, type SequenceReader } from './aggregate/sequence-reader.ts';
export type { Slice, SliceId } from './aggregate/slice.ts';
export type { FromStreamOptions, StreamLike } from './aggregate/stream/from-stream.ts';
export type { Piece } from './aggregate/stream/stream-source.ts';
export type { ToReadableOptions } from './aggregate/stream/to-readable.ts';
export type { ToReadableStreamOptions } from './aggregate/stream/to-readable-stream.ts';
export type { DigestAlgorithm } from './aggregate/tree/digest.ts';
export type { Bytes } from './base/bytes.ts';
export {
  ArgumentError,
  BoundsError,
  type ForeignErrorCode,
  IoliteError,
  type IoliteErrorCode,
  type IoliteErrorOptions,
  SystemError,
} from './base/error.ts';
export * from './file/index.ts';
export * from './http/index.ts';
export * from './ipc/index.ts';
export { type Acl, type Credentials, everyone } from './memory/acl.ts';
export type { PoolHolder } from './memory/chunk-holdings.ts';
export type { PoolKind, PoolOptions } from './memory/pool-options.ts';
export type { PoolStats } from './memory/pool-stats.ts';
export * from './network/index.ts';
