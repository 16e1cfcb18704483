/**
 * Moves views of aggregates to streams, while the aggregates live and afterwards, has all of iolite's
 * collected, and reads the streams.
 */
import { buffer } from 'node:stream/consumers';
import { ReadableStream } from 'node:stream/web';
import { setImmediate } from 'node:timers/promises';
import { createPool } from '../../../src/aggregate/pool.ts';

function moved(view: Uint8Array): ReadableStream {
  return new ReadableStream({
    type: 'bytes',
    start: controller => {
      controller.enqueue(view);
      controller.close();
    },
  });
}

async function collect(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    globalThis.gc?.();
    await setImmediate();
  }
}

const viewOf = (): Buffer => createPool().from('hello').views()[0] as Buffer;
const early = (() => moved(viewOf()))();
const late = await (async () => {
  const view = viewOf();
  await collect();
  return moved(view);
})();
await collect();
console.log(`${await buffer(early)} ${await buffer(late)}`);
