import { type Frame, FrameType, type FrameWriter, protocolError } from '../../ipc/wire/frame.ts';
import { DEFAULT_QUOTAS, type SenderQuotas } from '../../ipc/wire/quotas.ts';
import { LEAST_HEARTBEAT_MS, MOST_HEARTBEAT_MS } from './link-options.ts';

/** Who is at the other end of a link. */
export interface LinkPeer {
  /** Its machine's name in the cluster, of one that knows the secret; without a secret, what it says. */
  readonly machine: string;
  /** The endpoint's, which the link was opened by. */
  readonly name: string;
}

/** What each side of a link says first. */
export interface LinkGreeting {
  readonly machine: string;
  readonly quotas: SenderQuotas;
  /** It says something at least this often. */
  readonly heartbeatMs: number;
  /** The longest message that its server of NATS takes. */
  readonly maxPayload: number;
  /** Hexadecimal, random, of this side of this link; empty where it says none. */
  readonly nonce: string;
  /** That it knows the secret: see {@link Introduction}. Undefined where it signs nothing. */
  readonly proof: string | undefined;
}

const MAGIC = 0x4e4c4f49; // "IOLN"
const LINK_VERSION = 1;
const FIXED_BYTES = 8;
const MAX_GREETING_BYTES = 4096;
const MACHINE = /^[A-Za-z0-9_-]{1,64}$/;
const LEAST_PAYLOAD_BYTES = 256;

/** Writes the frame that a side begins with: magic u32, version u32, and the rest as JSON. */
export function writeLinkGreeting(writer: FrameWriter, greeting: LinkGreeting): void {
  const { quotas, ...more } = greeting;
  const { maxMessages, maxHeadBytes, maxBodyBytes, maxStreams } = quotas;
  writeStated(writer, { ...more, maxMessages, maxHeadBytes, maxBodyBytes, maxStreams });
}

/** Writes the frame that proves that a greeting which was answered was no old one. */
export function writeLinkConfirmation(writer: FrameWriter, proof: string): void {
  writeStated(writer, { proof });
}

function writeStated(writer: FrameWriter, stated: object): void {
  const json = Buffer.from(JSON.stringify(stated));
  const { buffer, at } = writer.frame(FrameType.HELLO, 0, FIXED_BYTES + json.length);
  buffer.writeUInt32LE(MAGIC, at);
  buffer.writeUInt32LE(LINK_VERSION, at + 4);
  json.copy(buffer, at + FIXED_BYTES);
}

/** Reads it. @throws ERR_IOLITE_PROTOCOL when it is no greeting of this protocol */
export function readLinkGreeting(frame: Frame): LinkGreeting {
  const stated = readStated(frame);
  const { machine } = stated;
  if (typeof machine !== 'string' || !MACHINE.test(machine)) throw protocolError('it has no name');
  const quotas = {
    ...DEFAULT_QUOTAS,
    maxMessages: bounded(stated.maxMessages, 1, DEFAULT_QUOTAS.maxMessages),
    maxHeadBytes: bounded(stated.maxHeadBytes, 0, DEFAULT_QUOTAS.maxHeadBytes),
    maxBodyBytes: bounded(stated.maxBodyBytes, 0, DEFAULT_QUOTAS.maxBodyBytes),
    maxStreams: bounded(stated.maxStreams, 0, 0xffff_ffff),
  };
  const heartbeatMs = bounded(stated.heartbeatMs, LEAST_HEARTBEAT_MS, MOST_HEARTBEAT_MS);
  const maxPayload = bounded(stated.maxPayload, LEAST_PAYLOAD_BYTES, 0xffff_ffff);
  const nonce = typeof stated.nonce === 'string' ? stated.nonce : '';
  return { machine, quotas, heartbeatMs, maxPayload, nonce, proof: proofIn(stated) };
}

/** Reads a confirmation. @returns its proof @throws ERR_IOLITE_PROTOCOL when it is none */
export function readLinkConfirmation(frame: Frame): string | undefined {
  return proofIn(readStated(frame));
}

function proofIn({ proof }: Record<string, unknown>): string | undefined {
  return typeof proof === 'string' ? proof : undefined;
}

function readStated({ type, body }: Frame): Record<string, unknown> {
  if (type !== FrameType.HELLO) throw protocolError(`its first frame is of type ${type}`);
  if (body.length < FIXED_BYTES || body.length > MAX_GREETING_BYTES || body.readUInt32LE(0) !== MAGIC)
    throw protocolError('its greeting is not of this protocol');
  const version = body.readUInt32LE(4);
  if (version !== LINK_VERSION) throw protocolError(`it speaks version ${version}, ${LINK_VERSION} is known`);
  return parse(body.toString('utf8', FIXED_BYTES));
}

function parse(json: string): Record<string, unknown> {
  let stated: unknown;
  try {
    stated = JSON.parse(json);
  } catch {
    throw protocolError('its greeting is no JSON');
  }
  if (typeof stated !== 'object' || stated === null) throw protocolError('its greeting is no object');
  return stated as Record<string, unknown>;
}

function bounded(value: unknown, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number;
  throw protocolError(`its greeting has a number that is not from ${least} to ${most}`);
}
