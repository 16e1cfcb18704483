import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

/** What a process holds of the system: open sockets and memfds of iolite, and mappings of these. */
export interface Holdings {
  readonly descriptors: number;
  readonly mappings: number;
}

export function holdings(pid: number | 'self' = 'self'): Holdings {
  const maps = readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n');
  return {
    descriptors: links(pid).filter(link => /^socket:|^\/memfd:iolite/.test(link)).length,
    mappings: maps.filter(line => line.includes('/memfd:iolite')).length,
  };
}

function links(pid: number | 'self'): string[] {
  return readdirSync(`/proc/${pid}/fd`).map(fd => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return 'closed meanwhile';
    }
  });
}

/** Turns of the event loop that closing and collecting may take: far more than they do. */
const TURNS = 500;
const SETTLING_TURNS = 20;

/** What this process holds when what earlier tests left to the collector is gone. */
export async function settledHoldings(): Promise<Holdings> {
  for (let turn = 0; turn < SETTLING_TURNS; turn++) {
    globalThis.gc?.();
    await setImmediate();
  }
  return holdings();
}

/**
 * Waits until a process holds what it held before, collecting garbage meanwhile. Fails with the difference.
 */
export async function holdingsReturnTo(wanted: Holdings, pid: number | 'self' = 'self'): Promise<void> {
  let held = holdings(pid);
  for (let turn = 0; turn < TURNS && !isDeepStrictEqual(held, wanted); turn++) {
    if (pid === 'self') globalThis.gc?.();
    await setImmediate();
    held = holdings(pid);
  }
  if (isDeepStrictEqual(held, wanted)) return;
  throw new Error(`${JSON.stringify(held)} is held, ${JSON.stringify(wanted)} was before`);
}
