import { IoliteError } from '../../base/error.ts';
import type { Json } from '../../base/json.ts';
import { encodeHead, parseHead } from '../../ipc/wire/head.ts';

/** Longer bodies are kept in pieces of this, and no longer ones than NATS takes. */
export const JOB_PIECE_BYTES = 256 * 1024;
/** What comes with a body that is kept with its job, besides the head. */
export const JOB_OVERHEAD_BYTES = 1024;

/** A job as NATS has it. */
export interface JobContent {
  readonly head: Json | undefined;
  /** The length of its body; undefined: it has none. */
  readonly length: number | undefined;
  /** How many pieces that is kept in; 0: with the job. */
  readonly pieces: number;
  /** The body, where it is kept with the job. */
  readonly inline: Buffer;
  /** Why it failed, of a job that has. */
  readonly reason?: string | undefined;
  /** How often it had been given to a worker then. */
  readonly deliveries?: number | undefined;
}

const JOB_VERSION = 1;
const FIXED_BYTES = 5;

/** Length of the facts u32, version u8, the facts as JSON, the body if it is kept here. */
export function encodeJob({ inline, head, ...others }: JobContent): Buffer {
  const facts = encodeHead({ ...others, ...(head === undefined ? {} : { head }) } as Json);
  const bytes = Buffer.allocUnsafe(FIXED_BYTES + facts.length + inline.length);
  bytes.writeUInt32LE(facts.length, 0);
  bytes[4] = JOB_VERSION;
  facts.copy(bytes, FIXED_BYTES);
  inline.copy(bytes, FIXED_BYTES + facts.length);
  return bytes;
}

/** Reads one, trusting nothing in it. @throws ERR_IOLITE_PROTOCOL */
export function decodeJob(data: Uint8Array): JobContent {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
  const end = bytes.length < FIXED_BYTES ? 0 : FIXED_BYTES + bytes.readUInt32LE(0);
  if (end === 0 || end > bytes.length || bytes[4] !== JOB_VERSION) throw malformed('it is not one of iolite');
  const facts = parseHead(bytes, FIXED_BYTES, end);
  if (typeof facts !== 'object' || facts === null) throw malformed('its facts are no object');
  const { head, length, pieces, reason, deliveries } = facts as Record<string, unknown>;
  const inline = bytes.subarray(end);
  if (!isCount(pieces) || (length !== undefined && !isCount(length))) throw malformed('it has no length');
  if (pieces === 0 && inline.length !== (length ?? 0)) throw malformed('its body has another length');
  if (pieces > 0 && (length === undefined || pieces > length)) throw malformed('it has too many pieces');
  return {
    head: head as Json | undefined,
    length,
    pieces,
    inline,
    reason: typeof reason === 'string' ? reason : undefined,
    deliveries: isCount(deliveries) ? deliveries : undefined,
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function malformed(what: string): IoliteError {
  return new IoliteError('ERR_IOLITE_PROTOCOL', `A job is malformed: ${what}`);
}
