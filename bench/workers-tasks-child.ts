/** The tasks of the pools that workers.bench.ts compares, as each has them. */
import { crc32 } from 'node:zlib';
import { move } from 'piscina';
import { createPool } from '../src/aggregate/pool.ts';
import type { TaskContext } from '../src/ipc/workers/task-context.ts';
import type { TaskResult } from '../src/ipc/workers/task-message.ts';
import { GiB } from './harness.ts';

/** A pool with a limit keeps what is given back, however large. */
const pool = createPool({ name: 'results', limit: GiB });

export function checksum(_task: unknown, { body }: TaskContext): number {
  let sum = 0;
  for (const view of body?.views() ?? []) sum = crc32(view, sum);
  return sum;
}

export function transform(_task: unknown, { body }: TaskContext): TaskResult {
  const draft = pool.allocate(body?.length ?? 0);
  body?.copyTo(draft.bytes);
  Buffer.from(draft.bytes.buffer, draft.bytes.byteOffset, draft.bytes.length).swap32();
  return draft.seal();
}

export function checksumOfBytes(bytes: Uint8Array): number {
  return crc32(bytes);
}

export function transformBytes(bytes: Uint8Array): unknown {
  // Not of Node's own pool of small buffers, which cannot be moved.
  const result = Buffer.allocUnsafeSlow(bytes.length);
  result.set(bytes);
  return move(result.swap32());
}
