import { parseObject } from '../parse-object.ts';
import { isPullAddress } from '../pull-address.ts';

/** What a machine says of itself: the value under its name in the bucket of machines. */
export interface MachineEntry {
  /** Another one each time that it joins. */
  readonly epoch: string;
  /** Which log it has read, and up to where it has carried out what that says. */
  readonly log: string;
  readonly applied: number;
  /** Where others get contents from it; undefined: nowhere. */
  readonly advertise?: string;
  /** How much of what there is it owns, against others. */
  readonly weight: number;
}

export function encodeEntry(entry: MachineEntry): Uint8Array {
  return Buffer.from(JSON.stringify(entry));
}

/** @returns undefined for what is none, whoever wrote it */
export function decodeEntry(bytes: Uint8Array): MachineEntry | undefined {
  const { epoch, log, applied, advertise, weight } = parseObject(bytes) ?? {};
  if (typeof epoch !== 'string' || typeof log !== 'string' || !Number.isSafeInteger(applied))
    return undefined;
  if (typeof weight !== 'number' || !Number.isFinite(weight) || weight < 0) return undefined;
  const entry = { epoch, log, applied: applied as number, weight };
  // Whoever cannot be asked owns nothing.
  return isPullAddress(advertise) ? { ...entry, advertise } : entry;
}
