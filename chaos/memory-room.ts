import { MemoryCgroup } from '../test/support/memory-cgroup.ts';

const LIMIT_BYTES = 2 * 1024 ** 3;
/** Of what is in use when it is lowered: the limit that is wanted. */
const WANTED_PART = 0.6;
/** What each step leaves above what is in use. */
const ROOM_BYTES = 64 * 1024 ** 2;
const STEP_MS = 100;
const LEAVING_TRIES = 100;
const PAUSE = new Int32Array(new SharedArrayBuffer(4));

/** A limit on the memory of some processes, which is lowered while they work. */
export class MemoryRoom implements Disposable {
  readonly #cgroup: MemoryCgroup;
  #steps: NodeJS.Timeout | undefined;

  private constructor(cgroup: MemoryCgroup) {
    this.#cgroup = cgroup;
  }

  /** @returns why there is none, where none can be made */
  static open(): MemoryRoom | string {
    const cgroup = MemoryCgroup.create(LIMIT_BYTES);
    return typeof cgroup === 'string' ? `No memory limit is lowered: ${cgroup}` : new MemoryRoom(cgroup);
  }

  /** How a shell joins it. */
  get prelude(): string {
    return this.#cgroup.joining;
  }

  /** How many processes the kernel has killed in it. */
  get kills(): number {
    return this.#cgroup.kills;
  }

  /** Lowers the limit by steps, as an operator would who wants nobody killed; lifts it when it has lasted. */
  squeeze(lasts: number): void {
    this.clear();
    const wanted = Math.floor(this.#cgroup.usage * WANTED_PART);
    const end = performance.now() + lasts;
    this.#steps = setInterval(() => {
      if (performance.now() > end) this.clear();
      else this.#cgroup.squeeze(wanted, ROOM_BYTES);
    }, STEP_MS);
  }

  /** The limit is what it was. */
  clear(): void {
    clearInterval(this.#steps);
    this.#cgroup.squeeze(LIMIT_BYTES, 0);
  }

  /** Those inside have ended, or are about to. */
  [Symbol.dispose](): void {
    clearInterval(this.#steps);
    for (let tries = 1; ; tries++) {
      try {
        return this.#cgroup.remove();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || tries === LEAVING_TRIES) throw error;
        Atomics.wait(PAUSE, 0, 0, STEP_MS);
      }
    }
  }
}
