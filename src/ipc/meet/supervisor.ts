import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { IoliteError } from '../../base/error.ts';
import { type Figures, observe } from '../../observe/sources.ts';
import type { FileAccess } from '../../os/confine/landlock.ts';
import type { Channel } from '../channel.ts';
import { fork } from './fork.ts';
import { RestartPace } from './restart-pace.ts';

/** A running worker. */
export interface Worker {
  /** Whose place it has, counted from 0; its replacement gets the same. */
  readonly slot: number;
  readonly pid: number;
  readonly channel: Channel;
}

/** A worker's end, or that one could not be started. */
export interface WorkerExit {
  readonly slot: number;
  /** How it ended, for people: "Worker 123 was killed by SIGKILL". */
  readonly reason: string;
  /** Milliseconds until another one starts in its place; undefined when none will. */
  readonly restartsIn: number | undefined;
}

export interface SupervisorOptions {
  /** What each worker runs. It drains and exits on SIGTERM, and when its channel closes. */
  readonly module: string | URL;
  readonly args?: readonly string[];
  /** Options for node itself: see {@link ForkOptions.execArgv}. */
  readonly execArgv?: readonly string[] | undefined;
  /** For each worker its inheritedDescriptors(), such as listening sockets. They stay the caller's. */
  readonly descriptors: readonly (readonly number[])[];
  /** The only files that workers may open: see {@link ForkOptions.files}. Default: all. */
  readonly files?: FileAccess | undefined;
  /** What messages call a worker. Default 'Worker'. */
  readonly title?: string;
  /** Sets up the channel of a worker that has started. Resolves when the worker serves. */
  readonly connect: (worker: Worker) => Promise<void>;
}

/** How workers are ended. */
export interface CloseOptions {
  /** Tells them to drain. Default SIGTERM. */
  readonly signal?: NodeJS.Signals;
  /** Milliseconds after which those that are left are killed. Default 10,000. */
  readonly limit?: number;
  /** Kill them all now. */
  readonly force?: boolean;
}

/** A worker's place: what it inherits, and who has it just now. */
interface Slot {
  readonly index: number;
  readonly descriptors: readonly number[];
  worker: Worker | undefined;
  /** By performance.now(). */
  servedAt: number | undefined;
  /** Why its channel could not be set up. */
  trouble: string | undefined;
  /** Tell its process to drain, or end it. */
  drain: (signal: NodeJS.Signals) => void;
  kill: () => void;
  /** The start of its next worker, while that waits. */
  timer: NodeJS.Timeout | undefined;
  readonly pace: RestartPace;
}

function nothing(): void {}

const NO_WORKER = {
  worker: undefined,
  servedAt: undefined,
  trouble: undefined,
  drain: nothing,
  kill: nothing,
};

/** How long workers have to drain. */
const DRAIN_LIMIT_MS = 10_000;

/**
 * Keeps a number of worker processes running. What they inherit stays open here too: connections that wait at
 * the listening socket of a worker that died wait for its replacement.
 *
 * Emits 'serving' when a worker serves, 'exit' when one has ended, and 'failing' with the last reason as
 * long as every slot fails to start one, several times in a row; it goes on trying until it is closed.
 */
export class Supervisor extends EventEmitter<{
  serving: [worker: Worker];
  exit: [exit: WorkerExit];
  failing: [error: Error];
}> {
  readonly #options: SupervisorOptions;
  readonly #slots: readonly Slot[];
  /** From the start of each worker's process to its end. */
  readonly #lives = new Set<Promise<void>>();
  #started: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #killed = false;
  #killer: NodeJS.Timeout | undefined;
  #restarts = 0;

  /** Nothing runs before {@link start}. */
  constructor(options: SupervisorOptions) {
    super();
    this.#options = options;
    this.#slots = options.descriptors.map((descriptors, index) => ({
      ...NO_WORKER,
      index,
      descriptors,
      timer: undefined,
      pace: new RestartPace(),
    }));
    observe('process', this, restartsOf);
  }

  /** How often a worker was started in place of one that ended. */
  get restarts(): number {
    return this.#restarts;
  }

  /** The workers that run now. */
  get workers(): readonly Worker[] {
    return this.#slots.flatMap(({ worker }) => worker ?? []);
  }

  /** Those of them that serve: have set up their channels. */
  get serving(): readonly Worker[] {
    return this.#slots.flatMap(({ worker, servedAt }) => (servedAt !== undefined && worker) || []);
  }

  /** Whether close() was called. */
  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Starts the workers. Resolves when each slot has one that serves, or is failing; or on close().
   * @throws ERR_IOLITE_CLOSED
   */
  async start(): Promise<void> {
    if (this.#closing !== undefined) {
      throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot start workers: their supervisor is closed');
    }
    await new Promise<void>(resolve => {
      this.#started = resolve;
      for (const slot of this.#slots) this.#launch(slot);
      this.#check();
    });
  }

  /**
   * Tells the workers to drain. Resolves when none is left. To call it again is to urge them: the last signal
   * and limit count.
   */
  close({ signal = 'SIGTERM', limit = DRAIN_LIMIT_MS, force = false }: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close();
    if (force) this.#kill();
    for (const slot of this.#slots) slot.drain(signal);
    clearTimeout(this.#killer);
    if (this.#lives.size > 0) this.#killer = setTimeout(() => this.#kill(), limit);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    // The caller's assignment of this promise comes first.
    await Promise.resolve();
    this.#started?.();
    for (const slot of this.#slots) clearTimeout(slot.timer);
    await Promise.all(this.#lives);
    clearTimeout(this.#killer);
  }

  #kill(): void {
    this.#killed = true;
    for (const slot of this.#slots) slot.kill();
  }

  #launch(slot: Slot): void {
    slot.timer = undefined;
    const life = this.#live(slot).finally(() => this.#lives.delete(life));
    this.#lives.add(life);
  }

  /** Runs one worker from start to end, and sees to the next. Never rejects. */
  async #live(slot: Slot): Promise<void> {
    let reason: string;
    try {
      const { channel, process: child } = await this.#fork(slot);
      slot.drain = signal => child.kill(signal);
      slot.kill = () => child.kill('SIGKILL');
      slot.worker = { slot: slot.index, pid: child.pid as number, channel };
      if (this.#killed) slot.kill();
      else if (this.#closing !== undefined) slot.drain('SIGTERM');
      else void this.#connect(slot, slot.worker);
      const end = await endOf(child, this.#options.title ?? 'Worker');
      reason = slot.trouble ?? end;
      channel.destroy();
    } catch (error) {
      reason = (error as Error).message;
    }
    const { servedAt } = slot;
    Object.assign(slot, { ...NO_WORKER });
    this.#ended(slot, reason, slot.pace.ended(servedAt));
  }

  async #fork(slot: Slot): ReturnType<typeof fork> {
    const { module, args = [], execArgv, files } = this.#options;
    const controller = new AbortController();
    slot.kill = () => controller.abort();
    return fork(module, args, {
      descriptors: slot.descriptors,
      signal: controller.signal,
      ...(execArgv === undefined ? {} : { execArgv }),
      ...(files === undefined ? {} : { files }),
    });
  }

  async #connect(slot: Slot, worker: Worker): Promise<void> {
    try {
      await this.#options.connect(worker);
    } catch (error) {
      if (slot.worker !== worker) return;
      slot.trouble = (error as Error).message;
      slot.kill();
      return;
    }
    if (slot.worker !== worker) return;
    slot.servedAt = performance.now();
    slot.pace.served();
    this.emit('serving', worker);
    this.#check();
  }

  #ended(slot: Slot, reason: string, restartsIn: number): void {
    if (this.#closing !== undefined) {
      this.emit('exit', { slot: slot.index, reason, restartsIn: undefined });
      return;
    }
    slot.timer = setTimeout(() => this.#launch(slot), restartsIn);
    this.#restarts += 1;
    this.emit('exit', { slot: slot.index, reason, restartsIn });
    this.#check(reason);
  }

  /** @param reason why the last start failed */
  #check(reason?: string): void {
    const failing = this.#slots.filter(slot => slot.pace.isFailing);
    if (this.#slots.every(slot => slot.servedAt !== undefined || failing.includes(slot))) this.#started?.();
    if (reason === undefined || failing.length < this.#slots.length) return;
    this.emit('failing', new IoliteError('ERR_IOLITE_PEER', reason));
  }
}

/** How a process ends. */
async function endOf(child: ChildProcess, title: string): Promise<string> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  const { pid, exitCode, signalCode } = child;
  return signalCode === null
    ? `${title} ${pid} exited with code ${exitCode}`
    : `${title} ${pid} was killed by ${signalCode}`;
}

function restartsOf({ restarts }: Supervisor): Figures {
  return { restarts };
}
