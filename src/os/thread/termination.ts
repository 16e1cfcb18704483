import { setImmediate } from 'node:timers/promises';
import { types } from 'node:util';
import {
  getEnvironmentData,
  isMainThread,
  threadId as ownThread,
  setEnvironmentData,
  type Worker,
} from 'node:worker_threads';

/**
 * koffi aborts the process when its thread is terminated in a call of it that makes objects: while it loads,
 * some 10 ms, and while it makes a view, microseconds. So each thread has a *gate* in memory that all threads
 * share: it is busy during such calls, and who terminates the thread closes the gate first.
 *
 * The memory goes to new threads as environment data, and whoever has loaded iolite guards all workers that
 * it starts. A worker whose parent has not loaded iolite has no gate.
 */
const MAX_THREADS = 1 << 16;
const GATES_KEY = 'iolite:gates';

/** States of a gate. */
const OPEN = 0x0;
const BUSY = 0x1;
const CLOSED = 0x2;
/** Busy, and closed as soon as it is not. */
const CLOSING = 0x3;

/** Where a thread stands in the tables: 0 for the main thread; places are used again after many threads. */
export function placeOf(thread: number): number {
  return thread === 0 ? 0 : 1 + ((thread - 1) % (MAX_THREADS - 1));
}

/** This thread's place. */
export const THREAD = placeOf(ownThread);

const inherited: unknown = getEnvironmentData(GATES_KEY);
// Of whichever copy of this module was first, in whatever context of the program, as test runners make them.
const memory = types.isSharedArrayBuffer(inherited) ? inherited : new SharedArrayBuffer(2 * 4 * MAX_THREADS);
if (memory !== inherited) setEnvironmentData(GATES_KEY, memory);

const gates = new Int32Array(memory, 0, MAX_THREADS);
/** By thread: which one started it. */
const parents = new Int32Array(memory, 4 * MAX_THREADS, MAX_THREADS);

/** Before a call that must not be interrupted. A thread that finds its gate closed waits for its end here. */
export function enterNative(): void {
  if (isMainThread) return;
  if (Atomics.compareExchange(gates, THREAD, OPEN, BUSY) === CLOSED) Atomics.wait(gates, THREAD, CLOSED);
}

/** After such a call. */
export function leaveNative(): void {
  if (isMainThread) return;
  if (Atomics.compareExchange(gates, THREAD, BUSY, OPEN) === CLOSING) Atomics.store(gates, THREAD, CLOSED);
}

/** The places of a thread, and of all that it started, and they. */
export function familyOf(thread: number): Set<number> {
  const family = new Set([placeOf(thread)]);
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (let each = 1; each < MAX_THREADS; each++) {
      if (parents[each] !== 0 && family.has((parents[each] as number) - 1)) family.add(each);
    }
  }
  return family;
}

/**
 * Closes the gates of a thread and of those that it started.
 * @returns false while one of them is in such a call: try again
 */
function closeGates(thread: number): boolean {
  let closed = true;
  for (const each of familyOf(thread)) {
    const state = Atomics.compareExchange(gates, each, OPEN, CLOSED);
    if (state === BUSY) Atomics.compareExchange(gates, each, BUSY, CLOSING);
    if (state === BUSY || state === CLOSING) closed = false;
  }
  return closed;
}

/** Threads that this one has started and that have not ended. */
const running = new Set<number>();

/** Lets a thread be terminated only where that is safe, by terminate() and by the end of ours. */
export function endSafely(thread: Worker): void {
  const { threadId } = thread;
  // It has ended, or is guarded.
  if (threadId < 1 || running.has(threadId)) return;
  if (running.size === 0) process.on('exit', closeAllGates);
  running.add(threadId);
  parents[placeOf(threadId)] = THREAD + 1;
  thread.once('exit', () => {
    running.delete(threadId);
    if (running.size === 0) process.off('exit', closeAllGates);
    // After the others who listen for its end, who may ask for its family.
    queueMicrotask(() => {
      for (const each of familyOf(threadId)) {
        parents[each] = 0;
        Atomics.store(gates, each, OPEN);
      }
    });
  });
  const terminate = thread.terminate.bind(thread);
  thread.terminate = async () => {
    while (running.has(threadId) && !closeGates(threadId)) await setImmediate();
    return terminate();
  };
}

function closeAllGates(): void {
  for (const thread of running) while (!closeGates(thread));
}

// Before a worker comes to its first line: that takes it milliseconds, and this one turn.
process.on('worker', endSafely);
