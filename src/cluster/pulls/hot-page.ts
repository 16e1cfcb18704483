import type { HotResponse } from '../../http/proxy/cache/hot-response.ts';
import { parseObject } from '../parse-object.ts';

/** A part of what a machine is asked for most. */
export interface HotPage {
  /** Which life of which machine has it. */
  readonly epoch: string;
  readonly responses: readonly HotResponse[];
  /** Whether no more comes. */
  readonly isLast: boolean;
}

const MAX_PAGE_BYTES = 256 * 1024;
/** Of a page, for what is around the list. */
const ROOM_BYTES = 256;

/** A list in pages, of which the first have what is asked for most: a list that is too long ends early. */
export function* hotPages(
  epoch: string,
  responses: readonly HotResponse[],
  most: { readonly pages: number; readonly bytes: number },
): Generator<string> {
  const room = Math.min(MAX_PAGE_BYTES, most.bytes) - ROOM_BYTES;
  let entries: string[] = [];
  let bytes = 0;
  let pages = 1;
  for (const { target, size, uses, selecting } of responses) {
    const entry = JSON.stringify([target, size, uses, ...selecting]);
    const more = Buffer.byteLength(entry) + 1;
    if (more > room) continue;
    if (bytes + more > room) {
      if (pages === most.pages) break;
      yield pageOf(epoch, entries, false);
      pages += 1;
      entries = [];
      bytes = 0;
    }
    entries.push(entry);
    bytes += more;
  }
  yield pageOf(epoch, entries, true);
}

/** @returns undefined for what is none, whoever sent it */
export function readHotPage(bytes: Uint8Array): HotPage | undefined {
  const { epoch, isLast, list } = parseObject(bytes) ?? {};
  if (typeof epoch !== 'string' || typeof isLast !== 'boolean' || !Array.isArray(list)) return undefined;
  return { epoch, isLast, responses: list.map(readEntry).filter(each => each !== undefined) };
}

function pageOf(epoch: string, entries: readonly string[], isLast: boolean): string {
  return `{"epoch":${JSON.stringify(epoch)},"isLast":${isLast},"list":[${entries.join()}]}`;
}

function readEntry(entry: unknown): HotResponse | undefined {
  if (!Array.isArray(entry)) return undefined;
  const [target, size, uses, ...selecting] = entry as unknown[];
  if (typeof target !== 'string' || !isCount(size) || !isCount(uses)) return undefined;
  if (selecting.length % 2 !== 0 || !selecting.every(isField)) return undefined;
  return { target, size, uses, selecting: selecting as string[] };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Nothing that would begin another line. */
function isField(text: unknown): boolean {
  return typeof text === 'string' && !/[\r\n\0]/.test(text);
}
