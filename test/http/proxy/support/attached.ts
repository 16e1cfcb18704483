import { createInterface } from 'node:readline';
import type { Family } from '../../../support/family.ts';
import { watchdog } from '../../../support/watchdog.ts';
import type { Harness } from './harness.ts';

/** What a child got. */
export interface Told {
  readonly held: boolean;
  readonly status: number;
  readonly text: string;
  readonly chunk?: string;
}

export type Ask = (path: string, headers?: Record<string, string>) => Promise<Told>;

/** A child that is attached to a harness's proxy. */
export async function attached(family: Family, harness: Harness): Promise<Ask> {
  const module = new URL('../children/attached.ts', import.meta.url);
  const { channel, process: child } = await family.fork(module, [harness.url], { stdio: 'pipe' });
  harness.proxy.serve(channel);
  child.stderr?.pipe(process.stderr);
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return async (path, headers = {}) => {
    child.stdin?.write(`${JSON.stringify({ path, headers })}\n`);
    return JSON.parse((await watchdog(lines.next(), `an answer for ${path}`)).value as string);
  };
}
