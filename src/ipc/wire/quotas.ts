import { ArgumentError, checkInteger, describe, IoliteError } from '../../base/error.ts';
import { descriptorLimit } from '../../os/descriptor.ts';
import { MAX_MESSAGE_HEAD_BYTES, MAX_SLICES } from './frame.ts';

/**
 * What bounds the peer of a channel. It is told when it is greeted, so that an honest one waits, makes room,
 * or gets an error from its own send(). One that goes beyond is cut off with ERR_IOLITE_LIMIT.
 */
export interface Quotas {
  /** Messages and requests that were not consumed here. The sender waits. At most 1024. */
  readonly maxMessages: number;
  /** Bytes of a message's head. At most 1 MiB. */
  readonly maxHeadBytes: number;
  /** Slices of a message's body. At most 100,000. */
  readonly maxSlices: number;
  /** Bytes of a message's body. Default: no bound. */
  readonly maxBodyBytes: number;
  /**
   * Chunks the peer may name, hence descriptors it can make us hold. The sender takes back the oldest.
   * Default 4096, or a quarter of the descriptors that this process may have if that is less.
   */
  readonly maxChunks: number;
  /** Bytes of these chunks, hence what it can make us map. Default 64 GiB. */
  readonly maxMappedBytes: number;
  /** Chunks that bodies which were not released here lie in. The sender is not told. Default 8192. */
  readonly maxLeasedChunks: number;
  /** Bytes of these chunks. Default 64 GiB. */
  readonly maxLeasedBytes: number;
  /** Streams under way. Default 1024. */
  readonly maxStreams: number;
}

/** The part of the quotas that a sender has to know. */
export type SenderQuotas = Omit<Quotas, 'maxLeasedChunks' | 'maxLeasedBytes'>;

const GIB_BYTES = 1024 ** 3;
/** However few descriptors there are. */
const LEAST_CHUNKS = 16;
const MAX_UINT32 = 0xffff_ffff;

/** What holds unless the program says otherwise, and for a peer whose greeting states nothing. */
export const DEFAULT_QUOTAS: Quotas = {
  maxMessages: 1024,
  maxHeadBytes: MAX_MESSAGE_HEAD_BYTES,
  maxSlices: MAX_SLICES,
  maxBodyBytes: Number.MAX_SAFE_INTEGER,
  maxChunks: 4096,
  maxMappedBytes: 64 * GIB_BYTES,
  maxLeasedChunks: 8192,
  maxLeasedBytes: 64 * GIB_BYTES,
  maxStreams: 1024,
};

const MAX_QUOTAS: Quotas = {
  ...DEFAULT_QUOTAS,
  maxChunks: MAX_UINT32,
  maxMappedBytes: Number.MAX_SAFE_INTEGER,
  maxLeasedChunks: MAX_UINT32,
  maxLeasedBytes: Number.MAX_SAFE_INTEGER,
  maxStreams: MAX_UINT32,
};

/**
 * The quotas that options state, the default where they state none. @throws ERR_IOLITE_ARGUMENT,
 * ERR_IOLITE_RANGE
 */
export function quotasOf(options: Partial<Quotas>): Quotas {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentError(`Cannot open channel: options are wanted, ${describe(options)} was given`);
  }
  const quotas: Record<string, number> = {};
  for (const name of Object.keys(MAX_QUOTAS) as (keyof Quotas)[]) {
    const { [name]: value = name === 'maxChunks' ? defaultMaxChunks() : DEFAULT_QUOTAS[name] } = options;
    checkInteger(value, name, name === 'maxHeadBytes' || name === 'maxStreams' ? 0 : 1, MAX_QUOTAS[name]);
    quotas[name] = value;
  }
  return quotas as unknown as Quotas;
}

/** Each chunk is a descriptor of ours, and one peer is not to have them all. */
function defaultMaxChunks(): number {
  return Math.max(LEAST_CHUNKS, Math.min(DEFAULT_QUOTAS.maxChunks, Math.floor(descriptorLimit() / 4)));
}

/** The error of a peer that went beyond a quota. */
export function quotaExceededError(quota: keyof Quotas, most: number): IoliteError {
  return new IoliteError('ERR_IOLITE_LIMIT', `The peer exceeded its quota ${quota} of ${most}`);
}

/** Throws ERR_IOLITE_LIMIT when the peer takes no message of this size. */
export function checkAccepted(
  { maxHeadBytes, maxSlices, maxBodyBytes }: SenderQuotas,
  head: number,
  slices: number,
  body: number,
): void {
  if (head > maxHeadBytes) throw peerQuotaError('maxHeadBytes', maxHeadBytes, head);
  if (slices > maxSlices) throw peerQuotaError('maxSlices', maxSlices, slices);
  if (body > maxBodyBytes) throw peerQuotaError('maxBodyBytes', maxBodyBytes, body);
}

/** The error of sending what the peer does not take. */
export function peerQuotaError(quota: keyof Quotas, most: number, given: number): IoliteError {
  return new IoliteError(
    'ERR_IOLITE_LIMIT',
    `Cannot send message: the peer's quota ${quota} is ${most}, ${given} were given`,
  );
}
