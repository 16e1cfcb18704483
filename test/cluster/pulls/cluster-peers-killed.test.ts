import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { ownerAmong } from '../../../src/cluster/pulls/owners.ts';
import { Program } from '../../support/program.ts';
import { watchdog } from '../../support/watchdog.ts';
import { freePort, NatsServer, withNats } from '../support/nats-server.ts';

const MACHINE = new URL('./children/shop-machine.ts', import.meta.url);
const NAMES = ['m0', 'm1', 'm2'];
const CLIENTS = 20;
const BYTES = 3 * 1024 ** 2;
/** Of which the first have come when the owner is killed. */
const FIRST_BYTES = 1024 ** 2;

/** A client that has the first bytes of a response, and waits for the rest. */
class Client {
  /** When the first bytes are there. */
  readonly begun: Promise<unknown>;
  /** All of it; rejects when it breaks off. */
  readonly whole: Promise<Buffer>;

  constructor(port: number, path: string) {
    const asked = request({ host: '127.0.0.1', port, path, agent: false, headers: { Host: 'shop.example' } });
    const answered = once(asked.end(), 'response') as Promise<[IncomingMessage]>;
    let begin = (): void => {};
    this.begun = new Promise<void>(resolve => {
      begin = resolve;
    });
    this.whole = answered.then(async ([response]) => {
      const pieces: Buffer[] = [];
      for await (const piece of response) {
        pieces.push(piece);
        begin();
      }
      return Buffer.concat(pieces);
    });
    this.whole.catch(() => {});
  }
}

suite('an owner that is killed in the middle of a body', withNats, () => {
  let server: NatsServer;
  before(async () => {
    server = await NatsServer.start();
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  /**
   * Three machines with clients each, who all ask for one cold key. Its owner is killed when all have begun.
   * @param respond to the first question, which never ends, and to others
   */
  async function killOwner(respond: (response: ServerResponse, isFirst: boolean) => void) {
    const name = randomBytes(8).toString('hex');
    let asked = 0;
    const origin = createServer((_, response) => {
      asked += 1;
      respond(response, asked === 1);
    });
    await once(origin.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
    const machines: Program[] = [];
    try {
      for (const machine of NAMES) {
        const advertise = `http://127.0.0.1:${await freePort()}`;
        machines.push(new Program(MACHINE, [server.url, name, machine, advertise, url, `${NAMES.length}`]));
      }
      const ports = await Promise.all(machines.map(async each => (await each.line()) as number));
      for (const each of machines) assert.equal(await each.line(), 'all');
      const target = 'http://shop.example/big';
      const owner = ownerAmong(
        NAMES.map(machine => ({ name: machine, weight: 1 })),
        target,
      );
      const killed = machines[NAMES.indexOf(owner?.name as string)] as Program;
      const clients = ports.flatMap((port, index) =>
        Array.from({ length: CLIENTS }, () => ({
          client: new Client(port, '/big'),
          isOwners: machines[index] === killed,
        })),
      );
      await watchdog(Promise.all(clients.map(({ client }) => client.begun)), 'all to have begun');
      killed.kill('SIGKILL');
      const others = clients.filter(({ isOwners }) => !isOwners);
      const got = await watchdog(
        Promise.allSettled(others.map(({ client }) => client.whole)),
        'the others to have all',
      );
      return { got, asked: () => asked };
    } finally {
      for (const each of machines) await each[Symbol.asyncDispose]();
      origin.closeAllConnections();
      origin.close();
    }
  }

  function head(response: ServerResponse, fields: Readonly<Record<string, string>> = {}): void {
    const all = { 'Cache-Control': 'max-age=600', 'Content-Length': String(BYTES), ...fields };
    for (const [field, value] of Object.entries(all)) response.setHeader(field, value);
  }

  for (const fields of [{}, { ETag: '"1"' }])
    test(`20 clients of each of the others have all of it, ${JSON.stringify(fields)}`, async () => {
      const content = randomBytes(BYTES);
      const { got, asked } = await killOwner((response, isFirst) => {
        head(response, fields);
        if (isFirst) response.write(content.subarray(0, FIRST_BYTES));
        else response.end(content);
      });
      assert.equal(got.length, 2 * CLIENTS);
      for (const each of got) {
        assert.equal(each.status, 'fulfilled', each.status === 'rejected' ? String(each.reason) : '');
        assert.ok(each.status === 'fulfilled' && each.value.equals(content));
      }
      assert.equal(asked(), 2);
    });

  test('where there is another version by then, none has some of both', async () => {
    const { got } = await killOwner((response, isFirst) => {
      head(response);
      if (isFirst) response.write(Buffer.alloc(FIRST_BYTES, 'a'));
      else response.end(Buffer.alloc(BYTES, 'b'));
    });
    for (const each of got) assert.equal(each.status, 'rejected');
  });
});
