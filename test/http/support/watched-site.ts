import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Folder } from '../../support/folder.ts';
import { Program } from '../../support/program.ts';
import { standsUp } from '../../support/standstill.ts';
import { watchdog } from '../../support/watchdog.ts';
import { get } from './site-server.ts';

const WATCHED = new URL('../children/watched-server.ts', import.meta.url);
/** Answers before any of a kind counts: what is only slow the first time is not the clients' doing. */
const WARMING = 50;

/**
 * A server of one file, and of an origin below /origin/, in a process of its own whose event loop is watched:
 * what attacks cost us does not count.
 */
export class WatchedSite implements AsyncDisposable {
  /** What the origin does with a connection on which a request came. */
  respond: (socket: Socket) => unknown = socket =>
    socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok');
  port = 0;
  readonly #folder = new Folder();
  readonly #origin: Server = createServer(socket =>
    socket.on('error', () => {}).once('data', () => this.respond(socket)),
  );
  #program: Program | undefined;

  async start(): Promise<void> {
    writeFileSync(this.#folder.file('file'), 'content');
    await once(this.#origin.listen(0, '127.0.0.1'), 'listening');
    const { port } = this.#origin.address() as AddressInfo;
    this.#program = new Program(WATCHED, [this.#folder.path, `http://127.0.0.1:${port}`], {
      // The threads of the collector would wait for a processor, and the loop for them.
      execArgv: [...process.execArgv, '--single-threaded-gc'],
    });
    this.port = (await this.#program.line()) as number;
    for (let i = 0; i < WARMING; i++) {
      for (const headers of [{}, { 'X-Unknown': '1' }]) await get(this.port, '/file', headers);
      await get(this.port, `/origin/${i}`);
    }
    await this.#longest();
  }

  /** Sees that the server goes on serving others whatever is done, and that its loop never stands still. */
  async withstand(name: string, attack: () => Promise<unknown>): Promise<void> {
    await standsUp(name, async () => {
      await watchdog(attack(), name, 60_000);
      assert.equal((await get(this.port, '/file')).body.toString(), 'content');
      return this.#longest();
    });
  }

  /**
   * Sends pieces, each by itself, until so many answers came or it is cut off.
   * @returns how many answers came, by their status
   */
  async send(pieces: Iterable<string>, count: number): Promise<Record<string, number>> {
    const socket = connect(this.port, '127.0.0.1').setNoDelay();
    const answers: Record<string, number> = {};
    let left = count;
    let last = '';
    socket
      .on('error', () => {})
      .on('data', bytes => {
        last += bytes.toString('latin1');
        // A head that is cut here is counted with the next bytes.
        for (const [, status = ''] of last.matchAll(/HTTP\/1\.1 (\d+)/g)) {
          answers[status] = (answers[status] ?? 0) + 1;
          left -= 1;
        }
        if (left <= 0) socket.end();
        last = /HT?T?P?\/?1?\.?1? ?\d?\d?$/.exec(last)?.[0] ?? '';
      });
    const closed = new Promise(resolve => socket.once('close', resolve));
    for (const piece of pieces) {
      if (socket.destroyed) break;
      await new Promise<void>(resolve => socket.write(piece, 'latin1', () => resolve()));
    }
    await closed;
    return answers;
  }

  async #longest(): Promise<number> {
    return (await this.#program?.ask('longest')) as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program?.[Symbol.asyncDispose]();
    this.#origin.close();
    this.#folder[Symbol.dispose]();
  }
}
