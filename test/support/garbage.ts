import { setImmediate } from 'node:timers/promises';

/** Runs the collector until `done`, or fails. Finalisers run between turns of the event loop. */
export async function collectGarbage(done: () => boolean): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('Tests of finalisation need --expose-gc');
  for (let turn = 0; turn < 200; turn++) {
    if (done()) return;
    globalThis.gc();
    await setImmediate();
  }
  throw new Error('What was waited for did not happen in 200 collections');
}
