import { setTimeout as delay } from 'node:timers/promises';
import type { KvWatchEntry } from '@nats-io/kv';
import type { Subscription } from '@nats-io/transport-node';
import { now } from '../../base/clock.ts';
import type { ClusterContext } from '../cluster-context.ts';
import { parseObject } from '../parse-object.ts';
import { decodeEntry } from './machine-entry.ts';
import type { MachineTable } from './machine-table.ts';
import type { Registration } from './registration.ts';

const PAUSE_MS = 500;
/** This machine's own entry is renewed more often: a watch that does not show it has died. */
const SILENCE_MS = 12_000;

/** Keeps a table of machines by the bucket, and by what they tell at once. */
export class MachineWatch {
  readonly #context: ClusterContext;
  readonly #registration: Registration;
  readonly #table: MachineTable;
  readonly #subscription: Subscription;
  #closed = false;
  #stop: () => void = () => {};
  #complete: () => void = () => {};
  /** Resolves when all that the bucket had at first is in the table. */
  readonly complete = new Promise<void>(resolve => {
    this.#complete = resolve;
  });

  /** Begins. */
  constructor(context: ClusterContext, registration: Registration, table: MachineTable) {
    this.#context = context;
    this.#registration = registration;
    this.#table = table;
    this.#subscription = context.connection.subscribe(`${context.prefix}.applied.*`);
    void this.#run();
    void this.#listen();
  }

  close(): void {
    this.#closed = true;
    this.#stop();
    this.#subscription.unsubscribe();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#watch();
      } catch {
        // The log's reader tells what is wrong with NATS.
      }
      await delay(PAUSE_MS, undefined, { ref: false });
    }
  }

  async #watch(): Promise<void> {
    const bucket = await this.#registration.bucket;
    const entries = await bucket.watch();
    if (this.#closed) return entries.stop();
    let heardAt = now();
    const silence = setInterval(() => {
      if (now() - heardAt > SILENCE_MS) entries.stop();
    }, SILENCE_MS / 4).unref();
    this.#stop = () => entries.stop();
    try {
      for await (const entry of entries) {
        heardAt = now();
        this.#saw(entry);
        if (entry.isUpdate || entry.delta === 0) this.#complete();
      }
    } finally {
      clearInterval(silence);
    }
  }

  #saw({ key, operation, value }: KvWatchEntry): void {
    const entry = operation === 'PUT' ? decodeEntry(value) : undefined;
    if (entry === undefined) this.#table.left(key);
    else this.#table.saw(key, entry);
  }

  /** To those that have carried out something. */
  async #listen(): Promise<void> {
    const start = `${this.#context.prefix}.applied.`;
    for await (const { subject, data } of this.#subscription) {
      const { epoch, log, sequence } = parseObject(data) ?? {};
      if (typeof epoch === 'string' && typeof log === 'string' && Number.isSafeInteger(sequence))
        this.#table.told(subject.slice(start.length), epoch, { log, sequence: sequence as number });
    }
  }
}
