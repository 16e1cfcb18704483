import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { type Answer, get } from './server.ts';

/** Clients that ask again and again over connections they keep, and make a new one when theirs is closed. */
export class Load implements AsyncDisposable {
  answers = 0;
  readonly #agents: Agent[] = [];
  readonly #clients: Promise<void>[] = [];
  #stopped = false;

  /** @param check throws when an answer is not as it should be */
  constructor(port: number, path: string, clients: number, check: (answer: Answer) => void) {
    for (let i = 0; i < clients; i++) {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      this.#agents.push(agent);
      this.#clients.push(this.#run(port, path, agent, check));
    }
    // What failed is told by stop().
    for (const client of this.#clients) client.catch(() => {});
  }

  /** Waits for so many more answers. */
  async more(count: number): Promise<void> {
    const wanted = this.answers + count;
    const failed = Promise.all(this.#clients);
    while (this.answers < wanted) await Promise.race([new Promise(setImmediate), failed]);
  }

  /** Lets the last requests be answered. @throws when an answer did not come, or was not as it should be */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
    assert.ok(this.answers > 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#clients);
    for (const agent of this.#agents) agent.destroy();
  }

  async #run(port: number, path: string, agent: Agent, check: (answer: Answer) => void): Promise<void> {
    while (!this.#stopped) {
      check(await get(port, path, { agent }));
      this.answers += 1;
    }
  }
}
