import { Agent, request } from 'node:http';
import { sectionOf } from './origin.mjs';

const CONNECTIONS = 16;

/** Clients that ask one machine for pages, the first ones most often, and look at each answer. */
export class Load {
  /** Since they were last taken: {@link take}. */
  #counts = { answers: 0, hits: 0, stale: 0, errors: 0 };
  #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  #least = new Map();
  #target;
  #pages;
  #isOver = false;
  #done;

  /** @param target a machine, which may be exchanged meanwhile: see {@link turnTo} */
  constructor(target, pages) {
    this.#target = target;
    this.#pages = pages;
    this.#done = Promise.all(Array.from({ length: CONNECTIONS }, () => this.#ask()));
  }

  /** Asks another machine from now on, as a load balancer has its clients do. */
  turnTo(target) {
    this.#target = target;
  }

  /** An answer to what is asked from now on is stale if it is older than this version. */
  expect(section, version) {
    this.#least.set(section, version);
  }

  take() {
    const counts = this.#counts;
    this.#counts = { answers: 0, hits: 0, stale: 0, errors: 0 };
    return counts;
  }

  async end() {
    this.#isOver = true;
    this.#agent.destroy();
    await this.#done;
  }

  async #ask() {
    while (!this.#isOver) {
      // The n-th page is asked for about n times as seldom as the first.
      const page = Math.floor(this.#pages ** Math.random()) - 1;
      const section = sectionOf(page);
      const least = this.#least.get(section) ?? 1;
      try {
        const { status, headers } = await this.#get(`/page/${page}`);
        if (status !== 200) throw new Error(`status ${status}`);
        this.#counts.answers += 1;
        if (/; hit/.test(headers['cache-status'] ?? '')) this.#counts.hits += 1;
        if (Number(headers['x-version']) < least) this.#counts.stale += 1;
      } catch {
        if (!this.#isOver) this.#counts.errors += 1;
        // One that is gone refuses at once: others are to have the processor.
        await new Promise(resolve => setTimeout(resolve, 10));
      }
    }
  }

  #get(path) {
    return new Promise((resolve, reject) => {
      const { port } = this.#target;
      // The same site, whichever machine is asked: what is kept is named by it.
      const headers = { host: 'shop.example' };
      const asked = request({ host: '127.0.0.1', port, path, headers, agent: this.#agent }, response => {
        response.once('error', reject).once('end', () => {
          resolve({ status: response.statusCode, headers: response.headers });
        });
        response.resume();
      });
      asked.once('error', reject).end();
    });
  }
}
