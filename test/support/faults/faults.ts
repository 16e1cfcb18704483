import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';

/** A call as faults.c names it: those of the C library that do the same have one name. */
export type Call =
  | 'open'
  | 'read'
  | 'write'
  | 'fsync'
  | 'ftruncate'
  | 'fchmod'
  | 'rename'
  | 'unlink'
  | 'link'
  | 'copy_file_range'
  | 'stat'
  | 'mmap'
  | 'mprotect'
  | 'populate'
  | 'memfd_create'
  | 'lock'
  | 'dup'
  | 'seal'
  | 'sendmsg'
  /** A sendmsg with descriptors. */
  | 'sendrights'
  | 'sendfile'
  | 'recvmsg'
  | 'recv'
  | 'accept'
  | 'socket'
  | 'socketpair'
  | 'bind'
  | 'connect';

/** Of which calls, and what becomes of them: one of `error`, `short`, `slow` and `hold`. */
export interface FaultRule {
  /** A part of the path, or of what /proc says of a descriptor: 'socket:[', '/memfd:iolite'. Default: any. */
  readonly path?: string;
  /** What they answer. */
  readonly error?: keyof typeof constants.errno | 'ETOOMANYREFS';
  /** How many bytes they move at most. */
  readonly short?: number;
  /** How many milliseconds they take. */
  readonly slow?: number;
  /** They wait until the fault is over. */
  readonly hold?: true;
  /** So many are let through first. Default 0. */
  readonly skip?: number;
  /** After so many it is over. Default: it stays. */
  readonly times?: number;
  /** Of which process. Default: of all that the tests have started. */
  readonly pid?: number;
}

/** struct rule of faults.c, and struct control behind the rules. */
const RULES = 16;
const RULE_BYTES = 248;
const PATH_AT = 24;
const NUMBERS_AT = 216;
const HITS_AT = NUMBERS_AT + 24;
const CLOCKS_AT = RULES * RULE_BYTES;
export const CONTROL_BYTES = CLOCKS_AT + 16;

const ERRORS = { ...constants.errno, ETOOMANYREFS: 109 };
const MODE = { off: 0, error: 1, short: 2, slow: 3, hold: 4 } as const;

/** A fault that is injected, until it is disposed of. */
export interface Fault extends Disposable {
  /** How many calls it has met. */
  readonly hits: number;
}

/** The faults that the calls of this process, and of those that it starts, meet. */
export class Faults {
  readonly #control: number;
  readonly #used = new Set<number>();

  /** @param file see faults.c */
  constructor(file: string) {
    this.#control = openSync(file, 'r+');
  }

  /** From now on a call fails. */
  inject(call: Call, rule: FaultRule): Fault {
    const place = Array.from({ length: RULES }, (_, index) => index).find(index => !this.#used.has(index));
    if (place === undefined) throw new Error(`There are ${RULES} faults already`);
    this.#used.add(place);
    const at = place * RULE_BYTES;
    writeSync(this.#control, ruleBytes(call, rule), 0, RULE_BYTES, at);
    const control = this.#control;
    const used = this.#used;
    let hits: number | undefined;
    const readHits = (): number => {
      const count = Buffer.alloc(4);
      readSync(control, count, 0, 4, at + HITS_AT);
      return count.readInt32LE(0);
    };
    return {
      get hits() {
        return hits ?? readHits();
      },
      [Symbol.dispose]() {
        if (hits !== undefined) return;
        hits = readHits();
        writeSync(control, Buffer.alloc(RULE_BYTES), 0, RULE_BYTES, at);
        used.delete(place);
      },
    };
  }

  /** Moves the clocks, by so many milliseconds from what they are: 0 sets them right. */
  moveClocks({ realtime = 0, monotonic = 0 }: { realtime?: number; monotonic?: number }): void {
    const nanoseconds = BigInt64Array.of(BigInt(realtime) * 1_000_000n, BigInt(monotonic) * 1_000_000n);
    writeSync(this.#control, new Uint8Array(nanoseconds.buffer), 0, 16, CLOCKS_AT);
  }

  [Symbol.dispose](): void {
    closeSync(this.#control);
  }
}

function ruleBytes(call: Call, rule: FaultRule): Buffer {
  const { path = '', error, short, slow, skip = 0, times = -1, pid = 0 } = rule;
  const bytes = Buffer.alloc(RULE_BYTES);
  bytes.write(call, 0);
  bytes.write(path, PATH_AT);
  const [mode, value] =
    error !== undefined
      ? [MODE.error, ERRORS[error]]
      : short !== undefined
        ? [MODE.short, short]
        : slow !== undefined
          ? [MODE.slow, slow]
          : [MODE.hold, 0];
  [mode, value, skip, times, pid].forEach((number, index) => {
    bytes.writeInt32LE(number, NUMBERS_AT + 4 * index);
  });
  return bytes;
}
