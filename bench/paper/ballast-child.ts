/**
 * Holds as much memory as the kernel accounts to TCP connections: `ballast-child.js`. In a memory cgroup of
 * version 1, to which the kernel charges no socket buffers, it stands for what version 2 charges.
 */
import { tcpMemory } from './kernel-memory.ts';

const PIECE_BYTES = 4 * 2 ** 20;
const INTERVAL_MS = 100;
const pieces: ArrayBuffer[] = [];

setInterval(() => {
  const wanted = Math.floor(tcpMemory() / PIECE_BYTES);
  while (pieces.length < wanted) pieces.push(Buffer.alloc(PIECE_BYTES, 1).buffer as ArrayBuffer);
  // Moved into a clone that nobody has, its memory goes at once, not at the next collection.
  while (pieces.length > wanted) {
    const piece = pieces.pop() as ArrayBuffer;
    structuredClone(piece, { transfer: [piece] });
  }
}, INTERVAL_MS);
