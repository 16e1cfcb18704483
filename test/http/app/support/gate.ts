import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Folder } from '../../../support/folder.ts';
import { watchdog } from '../../../support/watchdog.ts';

/** Where requests at the application's processes wait until the test lets them go on. */
export class Gate implements AsyncDisposable {
  readonly #server: Server;
  readonly #path: string;
  readonly #waiting = new Set<Socket>();
  #arrivals = 0;
  #wake: () => void = () => {};

  private constructor(path: string) {
    this.#path = path;
    this.#server = createServer(socket => {
      this.#arrivals += 1;
      this.#waiting.add(socket.on('error', () => {}));
      this.#wake();
    });
  }

  /** One that is shut. */
  static async in(folder: Folder): Promise<Gate> {
    const gate = new Gate(folder.file('gate'));
    gate.#server.listen(gate.#path);
    await once(gate.#server, 'listening');
    return gate;
  }

  /** What to ask the application for, to be answered behind the gate. */
  get target(): string {
    return `behind/${encodeURIComponent(this.#path)}`;
  }

  /** How many requests have come to it so far. */
  get arrivals(): number {
    return this.#arrivals;
  }

  /** Waits until so many have come. */
  async arrived(count: number): Promise<void> {
    while (this.#arrivals < count) {
      const next = new Promise<void>(resolve => {
        this.#wake = resolve;
      });
      await watchdog(next, `request ${count} at the gate`);
    }
  }

  /** Lets all go on that have come, and all that will. */
  open(): void {
    this.#server.on('connection', socket => socket.end());
    for (const socket of this.#waiting) socket.end();
    this.#waiting.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.open();
    await new Promise(resolve => this.#server.close(resolve));
  }
}
