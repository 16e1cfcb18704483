/** A thread that does nothing but make views of mapped memory, and counts them where its parent can see. */
import { workerData } from 'node:worker_threads';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { viewOf } from '../../../src/os/libc.ts';
import { map } from '../../../src/os/mapping/mapping.ts';
import { createMemfd } from '../../../src/os/memfd.ts';

const { count } = workerData as { count: Int32Array };
const { address } = map(createMemfd('iolite:mapper', 8192), 8192, 'read-only', false);
parentChannel().onRequest(() => {
  for (;;) {
    viewOf(address, 8192);
    Atomics.add(count, 0, 1);
  }
});
