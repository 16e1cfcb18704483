import { setTimeout as delay } from 'node:timers/promises';
import type { KV, KvEntry } from '@nats-io/kv';
import { now } from '../../base/clock.ts';
import type { ClusterContext } from '../cluster-context.ts';
import { ClusterError } from '../cluster-error.ts';
import { decodeEntry, encodeEntry, type MachineEntry } from './machine-entry.ts';
import { ENTRY_LIFE_MS } from './machine-table.ts';

const ATTEMPT_MS = 2500;
const PAUSE_MS = 250;

/**
 * A machine's entry in the bucket of machines, which all look at. It is there until 15 seconds after a
 * majority has stored it last.
 */
export class Registration {
  readonly #context: ClusterContext;
  readonly #entry: () => MachineEntry;
  #bucket: Promise<KV> | undefined;
  #revision = 0;

  /** @param entry what the machine says of itself now */
  constructor(context: ClusterContext, entry: () => MachineEntry) {
    this.#context = context;
    this.#entry = entry;
  }

  /** The bucket, which is made if it is not there. @throws as NATS says */
  get bucket(): Promise<KV> {
    this.#bucket ??= this.#open().catch(error => {
      this.#bucket = undefined;
      throw error;
    });
    return this.#bucket;
  }

  /**
   * Takes the machine's name. One that was killed has it until its entry is gone.
   * @returns when the entry was sent
   * @throws ERR_IOLITE_CLUSTER when another machine that lives has it; as NATS says
   */
  async claim(): Promise<number> {
    let before: number | undefined;
    for (;;) {
      const held = await this.look(this.#context.machine);
      if (held === undefined) {
        const sentAt = await this.#create();
        if (sentAt !== undefined) return sentAt;
      } else {
        before ??= held.revision;
        if (held.revision !== before || (await this.#answers())) throw this.#nameIsTaken();
        await delay(PAUSE_MS);
      }
    }
  }

  /**
   * Says once more that it is there, and what it says now.
   * @returns when the entry was sent that a majority has
   * @throws ERR_IOLITE_CLUSTER when another machine has the name by now; as NATS says
   */
  async renew(): Promise<number> {
    const bucket = await this.bucket;
    const { machine } = this.#context;
    const sentAt = now();
    try {
      const value = encodeEntry(this.#entry());
      this.#revision = await bucket.update(machine, value, this.#revision, ATTEMPT_MS);
      return sentAt;
    } catch (error) {
      if (!this.#isConflict(error)) {
        this.#bucket = undefined;
        throw error;
      }
    }
    const held = await this.look(machine);
    if (held === undefined) return (await this.#create()) ?? this.renew();
    if (decodeEntry(held.value)?.epoch !== this.#entry().epoch) throw this.#nameIsTaken();
    // What nobody has acknowledged was stored nevertheless.
    this.#revision = held.revision;
    return this.renew();
  }

  /** The entry of a machine, as the servers' leader has it; undefined if it is gone. @throws as NATS says */
  async look(machine: string): Promise<KvEntry | undefined> {
    const held = await (await this.bucket).get(machine);
    return held?.operation === 'PUT' ? held : undefined;
  }

  /** Takes the entry out, if it is this machine's. @throws as NATS says */
  async leave(): Promise<void> {
    if (this.#revision === 0) return;
    await (await this.bucket).delete(this.#context.machine, { previousSeq: this.#revision });
  }

  /** Answers who wants to take this machine's name that it is taken. @returns what ends that */
  defend(): () => void {
    const { connection, prefix, machine } = this.#context;
    const subscription = connection.subscribe(`${prefix}.alive.${machine}`, {
      callback: (_, message) => {
        message.respond();
      },
    });
    return () => subscription.unsubscribe();
  }

  /** Whether somebody has this machine's name and says so. One that was killed does not. */
  async #answers(): Promise<boolean> {
    const { connection, prefix, machine } = this.#context;
    return connection.request(`${prefix}.alive.${machine}`, undefined, { timeout: ATTEMPT_MS }).then(
      () => true,
      () => false,
    );
  }

  /** @returns undefined when another one was first */
  async #create(): Promise<number | undefined> {
    const bucket = await this.bucket;
    const sentAt = now();
    try {
      this.#revision = await bucket.create(this.#context.machine, encodeEntry(this.#entry()));
      return sentAt;
    } catch (error) {
      if (this.#isConflict(error)) return undefined;
      throw error;
    }
  }

  #isConflict(error: unknown): boolean {
    const { JetStreamApiError, JetStreamApiCodes } = this.#context.nats.jetstream;
    return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamWrongLastSequence;
  }

  async #open(): Promise<KV> {
    const { nats, connection, options } = this.#context;
    const js = nats.jetstream.jetstream(connection, { timeout: ATTEMPT_MS });
    return new nats.kv.Kvm(js).create(`iolite_${options.name}_machines`, {
      ttl: ENTRY_LIFE_MS,
      replicas: options.replicas,
      history: 1,
      timeout: ATTEMPT_MS,
      // Others could answer what was before.
      allow_direct: false,
    });
  }

  #nameIsTaken(): ClusterError {
    const { machine, options } = this.#context;
    return new ClusterError(
      `Cannot join cluster: another machine of ${options.name} is called ${machine}, and lives`,
    );
  }
}
