/** Checks every byte of what it is sent. Arguments: how many messages warm up, and how slow it is. */
import { setImmediate } from 'node:timers/promises';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { expectedAt, makePattern } from '../support/pattern.ts';

const [warmUp = 0, slowness = 0] = process.argv.slice(2).map(Number);
const channel = parentChannel();
const pattern = makePattern();
let checked = 0;
let bytes = 0;
let wrong = 0;
let faultsBefore = 0;

let told: (() => void) | undefined;

channel.onRequest(async ({ head }) => {
  while (checked < (head as number)) {
    await new Promise<void>(resolve => {
      told = resolve;
    });
  }
  const faults = process.resourceUsage().minorPageFault - faultsBefore;
  return { head: { checked, bytes, wrong, faults, imported: { ...channel.imported } } };
});

for await (const { head, body } of channel) {
  if (body === undefined) continue;
  const expected = expectedAt(pattern, head as number, body.length);
  for (let look = 0; look <= slowness; look++) if (!body.equals(expected)) wrong += 1;
  for (let turn = 0; turn < slowness; turn++) await setImmediate();
  // Once more, now that the writer had time to overwrite what it may not.
  if (slowness > 0 && !body.equals(expected)) wrong += 1;
  checked += 1;
  bytes += body.length;
  body.release();
  told?.();
  if (checked === warmUp) faultsBefore = process.resourceUsage().minorPageFault;
}
