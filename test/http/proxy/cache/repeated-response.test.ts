import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { mock, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { Aggregate } from '../../../../src/aggregate/aggregate.ts';
import { ALWAYS_REPEATABLE } from '../../../../src/base/repeatable.ts';
import { createFileCache } from '../../../../src/file/cache/owned-cache.ts';
import { attachFastLane, type FastLane } from '../../../../src/http/fast-lane/fast-lane.ts';
import type { Handler, ServerRequest } from '../../../../src/http/message/exchange.ts';
import { pairsOf } from '../../../../src/http/message/header-list.ts';
import { type AttachedProxy, attachProxy } from '../../../../src/http/proxy/attached-proxy.ts';
import { RepeatedResponse } from '../../../../src/http/proxy/cache/repeated-response.ts';
import { answerFromStore } from '../../../../src/http/proxy/cache/stored-answer.ts';
import type { ProxyOptions } from '../../../../src/http/proxy/proxy-options.ts';
import { composeContent } from '../../../../src/http/server/compose.ts';
import { ChannelPair } from '../../../support/channel-pair.ts';
import { Folder } from '../../../support/folder.ts';
import { Client, type Response } from '../../../support/lane-server.ts';
import { requestFor } from '../../support/asked.ts';
import { Harness, type Respond } from '../support/harness.ts';

/** Lanes that answer from what a proxy keeps. */
class Lanes implements AsyncDisposable {
  readonly harness: Harness;
  readonly attached: AttachedProxy;
  /** Who answers where nobody else is named: in the domain that keeps, or in another. */
  handler: Handler;
  /** Targets that handlers were asked for. */
  readonly asked: string[] = [];
  readonly #pair: ChannelPair;
  readonly #ends: (() => void)[] = [];

  private constructor(harness: Harness, pair: ChannelPair, attached: AttachedProxy) {
    this.harness = harness;
    this.#pair = pair;
    this.attached = attached;
    this.handler = attached;
  }

  static async start(respond: Respond, options: Omit<ProxyOptions, 'origin'> = {}): Promise<Lanes> {
    const harness = await Harness.start((request, response) => {
      // Not by the clock of node:http, which tests cannot move.
      response.setHeader('Date', new Date(Date.now()).toUTCString());
      respond(request, response);
    }, options);
    const pair = new ChannelPair();
    harness.proxy.serve(pair.far);
    return new Lanes(harness, pair, await attachProxy(pair.near, harness.proxy));
  }

  set side(side: 'attached' | 'owner') {
    this.handler = side === 'owner' ? this.harness.proxy : this.attached;
  }

  /** A lane, and a client of it. @param letsRepeat whether its handler may be left unasked */
  async open(letsRepeat: boolean, handler: Handler = this.handler): Promise<[Client, FastLane, number]> {
    const server: Server = createServer();
    const counted: Handler = {
      letsRepeat,
      answer: (request: ServerRequest, recipient) => {
        this.asked.push(request.target);
        return handler.answer(request, recipient);
      },
    };
    const lane = attachFastLane(server, counted);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    this.#ends.push(() => {
      socket.destroy();
      lane.close();
      server.close();
      server.closeAllConnections();
    });
    return [new Client(socket), lane, (server.address() as AddressInfo).port];
  }

  /** Asks until it is held, by requests that are these. */
  async warm(client: Client, target: string, ...lines: string[]): Promise<void> {
    for (let count = 0; count < 1000; count++) {
      const before = this.asked.length;
      await get(client, target, ...lines);
      if (this.asked.length === before) return;
    }
    throw new Error(`${target} is asked for again and again`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) end();
    this.attached.close();
    this.#pair[Symbol.dispose]();
    await this.harness[Symbol.asyncDispose]();
  }
}

async function get(client: Client, target: string, ...lines: string[]): Promise<Response> {
  client.ask(target, ...lines);
  return client.response();
}

/** Clocks, of the world and of the machine, that stand still until they are moved. */
function clockOf(t: TestContext): { pass(seconds: number): void } {
  let time = 1000 * Math.ceil(Date.now() / 1000);
  let ofMachine = performance.now();
  t.mock.method(Date, 'now', () => time);
  t.mock.method(performance, 'now', () => ofMachine);
  return {
    pass: seconds => {
      time += 1000 * seconds;
      // Nobody sets this one back.
      ofMachine += 1000 * Math.max(0, seconds);
    },
  };
}

function timeless({ status, headers, body }: Response): string {
  const text = JSON.stringify([status, { ...headers, date: '' }, body.toString('latin1')]);
  const boundary = /boundary=([\w-]+)/.exec(text)?.[1];
  return boundary === undefined ? text : text.replaceAll(boundary, 'boundary');
}

for (const side of ['attached', 'owner'] as const) {
  test(`${side}: who asks again gets the same as who asks first, whatever is asked for`, async t => {
    clockOf(t);
    await using lanes = await Lanes.start((request, response) => {
      const path = request.url as string;
      response.setHeader('Cache-Control', 'max-age=600');
      if (path === '/moved') response.writeHead(301, { Location: '/a' }).end();
      else if (path === '/nothing') response.writeHead(204).end();
      else if (path === '/varied')
        response.setHeader('Vary', 'Accept-Language').end(request.headers['accept-language'] ?? 'none');
      else if (path === '/large') response.end('x'.repeat(200_000));
      else response.setHeader('ETag', '"1"').end(`content of ${path}`);
    });
    lanes.side = side;
    const [asking] = await lanes.open(false);
    const [repeating, lane] = await lanes.open(true);
    const target = fc.constantFrom('/a', '/b?query', '/moved', '/nothing', '/varied', '/large');
    const field = fc.constantFrom<readonly string[]>(
      [],
      ['If-None-Match: "1"'],
      ['If-Match: "other"'],
      ['Range: bytes=2-4'],
      ['Range: bytes=1-2,4-5'],
      ['Accept-Language: de'],
      ['Accept-Language: en'],
      ['Cache-Control: max-age=5'],
      ['Cache-Control: only-if-cached'],
    );
    for (const path of ['/a', '/b?query', '/moved', '/nothing', '/varied', '/large']) await get(asking, path);
    await fc.assert(
      fc.asyncProperty(target, field, async (path, lines) => {
        let last = timeless(await get(asking, path, ...lines));
        // Until it is held here, which is when it is a hit.
        for (let count = 0; count < 20; count++) last = timeless(await get(asking, path, ...lines));
        for (let count = 0; count < 3; count++)
          assert.equal(timeless(await get(repeating, path, ...lines)), last);
      }),
      { numRuns: 100 },
    );
    assert.ok((lane.repeated?.count ?? 0) > 10, 'some were repeated');
  });

  test(`${side}: what is repeated says how old it is, and is not repeated once it is stale`, async t => {
    const clock = clockOf(t);
    await using lanes = await Lanes.start((_, response) =>
      response.setHeader('Cache-Control', 'max-age=1005').end('content'),
    );
    lanes.side = side;
    const [client] = await lanes.open(true);
    await lanes.warm(client, '/');
    let age = 0;
    for (const seconds of [0, 1, 1, 3, 4, 1, 0.5, 0.5, 20, 70, 4, 800, 99]) {
      clock.pass(seconds);
      age += seconds;
      for (let count = 0; count < 3; count++) {
        const { headers, body } = await get(client, '/');
        assert.equal(headers.age, String(Math.floor(age)));
        assert.equal(headers['cache-status'], `iolite; hit; ttl=${Math.floor(1005 - age)}`);
        assert.equal(body.toString(), 'content');
      }
    }
    // Where a number has more digits, or fewer, it is made anew.
    const asked = lanes.asked.length;
    assert.ok(asked < 15, `${asked} were asked for`);
    assert.equal(lanes.harness.asked.length, 1);
    clock.pass(2);
    await get(client, '/');
    assert.equal(lanes.harness.asked.length, 2);
  });

  test(`${side}: a clock that is set back makes nothing younger than it is`, async t => {
    const clock = clockOf(t);
    await using lanes = await Lanes.start((_, response) =>
      response.setHeader('Cache-Control', 'max-age=600').end('content'),
    );
    lanes.side = side;
    const [client] = await lanes.open(true);
    clock.pass(30);
    await lanes.warm(client, '/');
    clock.pass(10);
    assert.equal((await get(client, '/')).headers.age, '10');
    clock.pass(-5);
    assert.equal((await get(client, '/')).headers.age, '10');
    clock.pass(7);
    assert.equal((await get(client, '/')).headers.age, '17');
  });

  test(`${side}: what is repeated is given up when it is no more right`, async () => {
    let version = 0;
    await using lanes = await Lanes.start((request, response) => {
      if (request.method === 'GET') version += 1;
      response
        .setHeader('Cache-Control', 'max-age=60')
        .setHeader('Vary', 'Accept-Language')
        .end(`version ${version}`);
    });
    lanes.side = side;
    const [client] = await lanes.open(true);
    await lanes.warm(client, '/', 'Accept-Language: de');
    assert.equal((await get(client, '/', 'Accept-Language: de')).body.toString(), 'version 1');
    await lanes.harness.send({ method: 'POST', body: 'x', headers: { host: 'test' } });
    for (let count = 0; ; count++) {
      assert.ok(count < 1000, 'the new version comes');
      const { body } = await get(client, '/', 'Accept-Language: de');
      if (body.toString() === 'version 2') break;
    }
  });
}

test('a file that appears in front of what is repeated takes its place', async () => {
  await using lanes = await Lanes.start((_, response) =>
    response.setHeader('Cache-Control', 'max-age=60').end('from the origin'),
  );
  using folder = new Folder();
  using cache = createFileCache({ budget: 1024 ** 2, maxStale: 100 });
  const content = composeContent({
    files: { root: folder.path, site: {}, cache },
    behind: lanes.attached,
  });
  const [client] = await lanes.open(true, content);
  await lanes.warm(client, '/a');
  assert.equal((await get(client, '/a')).body.toString(), 'from the origin');
  writeFileSync(folder.file('a'), 'from a file');
  const limit = performance.now() + 20_000;
  while ((await get(client, '/a')).body.toString() !== 'from a file')
    assert.ok(performance.now() < limit, 'the file comes');
});

test('what is repeated to who is believed is not repeated to who is not, by the same bytes', async () => {
  await using lanes = await Lanes.start(
    (request, response) =>
      response.setHeader('Cache-Control', 'max-age=60').end(`for ${request.headers['x-forwarded-host']}`),
    { trustForwarded: ['127.0.0.2'] },
  );
  const [stranger, , port] = await lanes.open(true);
  const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
  await once(socket, 'connect');
  const front = new Client(socket);
  const fields = 'X-Forwarded-Host: elsewhere';
  for (let count = 0; count < 20; count++) {
    assert.equal((await get(front, '/', fields)).body.toString(), 'for elsewhere');
    assert.equal((await get(stranger, '/', fields)).body.toString(), 'for test');
  }
  // What says nothing of that is repeated all the same.
  await lanes.warm(stranger, '/');
  socket.destroy();
});

test('an age is written over one of as many digits, whatever the clock and the times were', () => {
  const now = 1_800_000_000_000;
  const time = fc.integer({ min: -20_000, max: 20_000 });
  fc.assert(
    fc.property(
      time,
      fc.integer({ min: 0, max: 3000 }),
      fc.integer({ min: 0, max: 12_000 }),
      time,
      (back, delay, age, passed) => {
        const receivedAt = now + back;
        const headers = ['Cache-Control', 'max-age=30', 'Age', String(Math.floor(age / 1000))];
        const facts = {
          kind: 'response',
          status: 200,
          headers,
          requestedAt: receivedAt - delay,
          receivedAt,
        } as const;
        const headOf = (at: number): string => {
          const { headers: fields } = answerFromStore(
            requestFor('/'),
            facts,
            Aggregate.empty(),
            { hit: true },
            at,
          );
          return pairsOf(fields).reduce(
            (text, [name, value]) => `${text}${name}: ${value}\r\n`,
            'HTTP/1.1 200 OK\r\n',
          );
        };
        const memory = Buffer.from(headOf(now));
        const repeated = new RepeatedResponse(ALWAYS_REPEATABLE, facts, now);
        const clock = mock.method(Date, 'now', () => now + passed);
        const mayRepeat = repeated.mayRepeat();
        clock.mock.restore();
        if (!mayRepeat) return;
        repeated.renew(memory, 0, memory.length);
        assert.equal(memory.toString(), headOf(now + passed));
      },
    ),
    { numRuns: 20_000 },
  );
});
