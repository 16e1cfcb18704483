/** Functions that workers run for the tests. */
import { writeFileSync } from 'node:fs';
import { isMainThread, threadId, workerData } from 'node:worker_threads';
import type { Aggregate } from '../../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../../src/aggregate/pool.ts';
import type { Json } from '../../../../src/base/json.ts';
import { parentChannel } from '../../../../src/ipc/meet/fork.ts';
import type { TaskContext } from '../../../../src/ipc/workers/task-context.ts';

const pool = createPool({ name: 'tasks' });
let kept: Aggregate | undefined;
let running = 0;
let most = 0;
let aborted = 0;

export default function echo(task: Json, { body }: TaskContext): Json | Aggregate {
  return body ?? task;
}

export function double(task: number): number {
  return 2 * task;
}

export function nothing(): void {}

/** A worker's own bytes with others beside. */
export function invert(task: Json, { body }: TaskContext): { task: Json; body: Aggregate } {
  const given = body as Aggregate;
  const draft = pool.allocate(given.length);
  given.copyTo(draft.bytes);
  for (let i = 0; i < draft.bytes.length; i++) draft.bytes[i] = 255 - (draft.bytes[i] as number);
  return { task, body: draft.seal() };
}

/** The body within an object. */
export function wrap(task: Json, { body }: TaskContext): { task: Json; body: Aggregate } {
  return { task, body: body as Aggregate };
}

export async function part(task: [number, number], { body }: TaskContext): Promise<Aggregate> {
  await Promise.resolve();
  return (body as Aggregate).slice(...task);
}

export function released(_task: Json, { body }: TaskContext): number {
  using own = body as Aggregate;
  return own.length;
}

export function keep(_task: Json, { body }: TaskContext): void {
  kept = body?.duplicate();
}

export function letGo(): string {
  const text = kept?.toString() ?? '';
  kept?.release();
  return text;
}

export function bytesUsed(): number {
  return pool.stats().bytesLive;
}

export function where(): Json {
  return {
    isMainThread,
    threadId,
    pid: process.pid,
    args: process.argv.slice(2),
    of: process.env.OF_THE_TEST ?? null,
  };
}

export function data(): Json {
  return workerData.given;
}

class PeculiarError extends Error {
  override name = 'PeculiarError';
}

export function fail(task: string): void {
  if (task === 'type') throw new TypeError('as asked');
  if (task === 'code') throw Object.assign(new RangeError('as asked'), { code: 'ERR_OF_THE_TEST' });
  if (task === 'cause') throw new PeculiarError('outside', { cause: new Error('inside') });
  if (task === 'string') throw 'a text';
  if (task === 'null') throw null;
  if (task === 'getter') {
    throw Object.defineProperty({}, 'message', {
      get: () => {
        throw new Error('no message');
      },
    });
  }
}

export async function failLater(): Promise<void> {
  await Promise.resolve();
  throw new Error('later');
}

export function unfit(task: string): unknown {
  if (task === 'function') return () => {};
  if (task === 'bigint') return 1n;
  if (task === 'map') return { a: [new Map()] };
  if (task === 'bytes') return { body: new Uint8Array(3) };
  if (task === 'nested') return { deep: pool.from('x') };
  if (task === 'beside') return { body: pool.from('x'), other: new Set() };
  if (task === 'long') return 'x'.repeat(2 ** 21);
  if (task === 'released') {
    const body = pool.from('x');
    body.release();
    return body;
  }
  return undefined;
}

/** Goes on until it is aborted. */
export async function untilAborted(_task: Json, { signal }: TaskContext): Promise<string> {
  running += 1;
  most = Math.max(most, running);
  if (!signal.aborted)
    await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }));
  running -= 1;
  aborted += 1;
  return 'aborted';
}

export function counts(): Json {
  return { running, most, aborted };
}

let opened: () => void = () => {};
let gate: Promise<void> | undefined;

/** Waits until `open` runs in the same worker. Says in a file that it began. */
export async function wait(task: { began?: string } | null): Promise<string> {
  if (task?.began !== undefined) writeFileSync(task.began, '');
  gate ??= new Promise(resolve => {
    opened = resolve;
  });
  await gate;
  return 'opened';
}

export function open(): void {
  opened();
  gate = undefined;
}

/** Never comes back to the event loop. */
export function spin(): void {
  for (;;);
}

export function exit(task: number): void {
  process.exit(task);
}

export function kill(): void {
  process.kill(process.pid, 'SIGKILL');
}

export async function crash(): Promise<void> {
  setImmediate(() => {
    throw new Error('nobody catches this');
  });
  await new Promise(() => {});
}

export function closeChannel(): Promise<void> {
  return parentChannel().close();
}

export function overflow(): number {
  const all: number[][] = [];
  for (;;) all.push(Array.from({ length: 100_000 }, (_, i) => i + all.length));
}

/** What the owner answers. */
export async function ask(task: Json): Promise<Json | undefined> {
  return (await parentChannel().request({ head: task })).head;
}
