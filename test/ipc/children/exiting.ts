/** A program that exits while threads of its make views of mapped memory. */
import { setImmediate } from 'node:timers/promises';
import { Threads } from '../../support/threads.ts';

const threads = new Threads();
const count = new Int32Array(new SharedArrayBuffer(4));
for (let i = 0; i < 3; i++) {
  const { channel } = await threads.spawn(new URL('./mapper.ts', import.meta.url), [], {
    workerData: { count },
  });
  channel.request({}).catch(() => {});
}
while (Atomics.load(count, 0) < 1000) await setImmediate();
process.stdout.write('"exiting"\n', () => process.exit(7));
