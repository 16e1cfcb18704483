/**
 * A thread that is a client: connects, sends bytes, and tells by a flag when that is done, so that the
 * server's thread can sleep until then; posts all that comes back until the end.
 */
import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const { port, bytes, flag, readsLate } = workerData;
const state = new Int32Array(flag);
const socket = connect({ port, host: '127.0.0.1' });
const pieces = [];
let failure;
if (readsLate) socket.pause();
socket.on('data', piece => pieces.push(piece));
socket.on('error', error => {
  failure = error.code;
});
socket.on('close', () => parentPort.postMessage({ bytes: Buffer.concat(pieces), failure }));
socket.on('connect', () =>
  socket.write(bytes, () => {
    Atomics.store(state, 0, 1);
    Atomics.notify(state, 0);
  }),
);
parentPort.once('message', () => socket.resume());
