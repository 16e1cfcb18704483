import { IoliteError } from '../../base/error.ts';
import type { LogSelector } from '../../store/log/invalidation-log.ts';
import { parseObject } from '../parse-object.ts';

/** What a log says. */
export type LogMessage =
  /** A machine is here: what was in the log before, it has carried out before it uses anything. */
  | { readonly kind: 'join'; readonly machine: string }
  /** Something is no more right. */
  | { readonly kind: 'invalidate'; readonly topic: string; readonly selector: LogSelector };

/** Bytes of a message at most. */
const MAX_MESSAGE_BYTES = 512 * 1024;
/** Of what a server takes, for headers and what is around the lists. */
const USED_PART = 0.9;

export function encodeLogMessage(message: LogMessage): Uint8Array {
  return Buffer.from(JSON.stringify(message));
}

/** @returns undefined for what nobody here understands */
export function decodeLogMessage(bytes: Uint8Array): LogMessage | undefined {
  const { kind, machine, topic, selector } = parseObject(bytes) ?? {};
  if (kind === 'join' && typeof machine === 'string') return { kind, machine };
  const isSelector = typeof selector === 'object' && selector !== null;
  if (kind !== 'invalidate' || typeof topic !== 'string' || !isSelector) return undefined;
  return { kind, topic, selector: selector as LogSelector };
}

/**
 * An invalidation as messages that servers take: several where its lists are long.
 * @param maxPayload bytes that the server takes
 * @throws ERR_IOLITE_LIMIT when one name alone is longer
 */
export function invalidationMessages(topic: string, selector: LogSelector, maxPayload: number): Uint8Array[] {
  const most = Math.min(MAX_MESSAGE_BYTES, Math.floor(maxPayload * USED_PART));
  const whole = encodeLogMessage({ kind: 'invalidate', topic, selector });
  if (whole.length <= most) return [whole];
  const halves = halvesOf(selector);
  if (halves === undefined)
    throw new IoliteError('ERR_IOLITE_LIMIT', `Cannot invalidate: a name is longer than ${most} bytes`);
  return halves.flatMap(half => invalidationMessages(topic, half, maxPayload));
}

/** Each half has some of the names; what is no list goes along. @returns undefined for one name */
function halvesOf(selector: LogSelector): [LogSelector, LogSelector] | undefined {
  const lists = Object.entries(selector).filter(([, list]) => Array.isArray(list));
  const names = lists.flatMap(([name, list]) => (list as string[]).map(each => [name, each] as const));
  if (names.length < 2) return undefined;
  const others = Object.fromEntries(Object.entries(selector).filter(([, list]) => !Array.isArray(list)));
  const middle = Math.ceil(names.length / 2);
  return [names.slice(0, middle), names.slice(middle)].map(some => {
    const half: Record<string, string[] | string> = { ...(others as Record<string, string>) };
    for (const [name, each] of some) {
      half[name] ??= [];
      (half[name] as string[]).push(each);
    }
    return half;
  }) as [LogSelector, LogSelector];
}
