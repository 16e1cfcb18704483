/** A thread that makes descriptors and mappings, gives some of them up, and then never comes back. */
import { parentPort } from 'node:worker_threads';
import { closeDescriptor, reopenReadOnly } from '../../../src/os/descriptor.ts';
import { map } from '../../../src/os/mapping/mapping.ts';
import { createMemfd } from '../../../src/os/memfd.ts';
import { peekDescriptor, sendDescriptor, socketPair } from '../../../src/os/socket.ts';

const memfd = createMemfd('ledger', 8192);
const reopened = reopenReadOnly(memfd);
const closed = createMemfd('ledger', 8192);
closeDescriptor(closed);
const [here, there] = socketPair('seqpacket');
sendDescriptor(here, Buffer.from('x'), memfd);
const received = peekDescriptor(there);
const mappings = [map(memfd, 8192, 'copy-on-write', false), map(reopened, 8192, 'copy-on-write', false)];
// The addresses are V8's, which unmaps them itself; those of one in eight are not.
const others = Array.from({ length: 7 }, () => map(reopened, 8192, 'read-only', false));
try {
  map(closed, 8192, 'copy-on-write', false);
} catch {
  // A mapping that failed is none.
}
for (const fd of [here, there]) closeDescriptor(fd);
parentPort?.postMessage({
  descriptors: [memfd, reopened, typeof received === 'object' ? received.fd : -1],
  mappings: mappings.map(({ address, length }) => ({ address, length })),
  others: others.length,
});
for (;;);
