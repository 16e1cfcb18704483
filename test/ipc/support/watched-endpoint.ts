import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from '../../../src/ipc/meet/connect.ts';
import { closeDescriptor } from '../../../src/os/descriptor.ts';
import { sendDescriptor } from '../../../src/os/socket.ts';
import { Family } from '../../support/family.ts';
import { dialBoth, HELLO, type RawPeer } from '../../support/raw-peer.ts';
import { standsUp } from '../../support/standstill.ts';
import { watchdog } from '../../support/watchdog.ts';

const READER = new URL('./watched.ts', import.meta.url);

/** A peer that has greeted and does as it likes from then on. */
export class Attacker implements Disposable {
  readonly peer: RawPeer;
  readonly #descriptors: number;

  private constructor(path: string) {
    const { peer, descriptors } = dialBoth(path);
    this.peer = peer;
    this.#descriptors = descriptors;
    peer.write(HELLO);
  }

  /** Resolves when the endpoint takes descriptors from it. */
  static async greeted(path: string): Promise<Attacker> {
    const attacker = new Attacker(path);
    await watchdog(once(attacker.peer.socket, 'data'), 'the greeting');
    return attacker;
  }

  /** Writes the same again and again, as the other side reads it, or until it is cut off. */
  async flood(bytes: Uint8Array, times: number): Promise<void> {
    const { socket } = this.peer;
    for (let i = 0; i < times && socket.writable; i++) {
      await new Promise<void>(resolve => socket.write(bytes, () => resolve()));
    }
  }

  /** Passes a descriptor, and says under which number. */
  pass(index: number, fd: number): void {
    const note = Buffer.alloc(4);
    note.writeUInt32LE(index);
    sendDescriptor(this.#descriptors, note, fd);
  }

  [Symbol.dispose](): void {
    this.peer.socket.destroy();
    closeDescriptor(this.#descriptors);
  }
}

/** An endpoint in a process of its own, whose event loop is watched: what attacks cost us does not count. */
export class WatchedEndpoint implements AsyncDisposable {
  readonly path = `@iolite-watched-${process.pid}`;
  readonly #family = new Family();
  readonly #module: URL;
  readonly #args: readonly string[];
  readonly #flags: readonly string[];
  #ask: () => Promise<{ longest: number; codes: string[] }> = () => Promise.reject();

  /**
   * @param module that listens at the path that is its first argument, answers requests there, and those of
   *   its parent with how long it has stood still
   * @param flags for node
   */
  constructor(module: URL = READER, args: readonly string[] = [], flags: readonly string[] = []) {
    this.#module = module;
    this.#args = args;
    this.#flags = flags;
  }

  async start(): Promise<void> {
    const { channel } = await this.#family.fork(this.#module, [this.path, ...this.#args], {
      execArgv: [...process.execArgv, ...this.#flags],
    });
    this.#ask = async () => (await channel.request({})).head as { longest: number; codes: string[] };
    // What is only slow the first time is not the peers' doing.
    await this.#serves();
    await this.#ask();
  }

  /**
   * Sees that the endpoint goes on serving others whatever a peer does, and that its loop never stands still.
   * @returns the codes that channels closed with meanwhile
   */
  async withstand(attack: (attacker: Attacker) => Promise<void>, name: string): Promise<string[]> {
    let codes: string[] = [];
    await standsUp(name, async () => {
      const seen = await this.#attacked(attack);
      codes = seen.codes;
      return seen.longest;
    });
    return codes;
  }

  async #attacked(
    attack: (attacker: Attacker) => Promise<void>,
  ): Promise<{ longest: number; codes: string[] }> {
    {
      using attacker = await Attacker.greeted(this.path);
      await attack(attacker);
      await this.#serves();
      attacker.peer.socket.end();
      await attacker.peer.ended().catch(() => {});
    }
    await this.#serves();
    return this.#ask();
  }

  /** What is done once, and may take long. */
  async warm(work: () => Promise<void>): Promise<void> {
    await work();
    await this.#ask();
  }

  async #serves(): Promise<void> {
    await using channel = await watchdog(connect(this.path), 'a channel');
    assert.equal((await watchdog(channel.request({}), 'an answer')).head, 'answer');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#family[Symbol.asyncDispose]();
  }
}
