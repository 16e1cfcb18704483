import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { Aggregate } from '../../../../../src/aggregate/aggregate.ts';
import { loopTurn } from '../../../../../src/http/message/loop-turn.ts';
import type { OriginRequest, ResponseHead } from '../../../../../src/http/proxy/origin/origin.ts';
import { PeerOrigin } from '../../../../../src/http/proxy/origin/peer/peer-origin.ts';
import type { ReceivedBody } from '../../../../../src/http/proxy/origin/received-body.ts';
import { watchdog } from '../../../../support/watchdog.ts';

/** A machine that says what a test wants it to, and the origin that asks it. */
class Place implements AsyncDisposable {
  readonly origin: PeerOrigin;
  readonly #sockets: Set<Socket>;
  readonly #close: () => Promise<unknown>;
  /** Connections that were opened. */
  readonly opened: () => number;

  private constructor(
    origin: PeerOrigin,
    sockets: Set<Socket>,
    opened: () => number,
    close: () => Promise<unknown>,
  ) {
    this.origin = origin;
    this.opened = opened;
    this.#sockets = sockets;
    this.#close = close;
  }

  /** @param say answers a request on a connection; the how manieth of it this is */
  static async open(
    say: (socket: Socket, request: string, nth: number) => unknown,
    limits: { headersTimeout?: number; bodyTimeout?: number; connections?: number } = {},
  ): Promise<Place> {
    const sockets = new Set<Socket>();
    let opened = 0;
    const server = createServer(socket => {
      sockets.add(socket);
      opened += 1;
      let nth = 0;
      let text = '';
      socket.on('error', () => {}).once('close', () => sockets.delete(socket));
      socket.on('data', bytes => {
        text += bytes.toString('latin1');
        for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
          const request = text.slice(0, end);
          text = text.slice(end + 4);
          void say(socket, request, nth++);
        }
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const close = () => {
      const closed = once(server, 'close');
      server.close();
      return closed;
    };
    return new Place(new PeerOrigin(url, { connectTimeout: 5000, ...limits }), sockets, () => opened, close);
  }

  /** What comes of a request: its head, and its body once it is whole. */
  async ask(path = '/', headers: readonly string[] = ['Host', 'a']) {
    const { head, body } = await watchdog(this.start(path, headers).received, 'a response');
    return { status: head.status, headers: head.headers, text: await textOf(body) };
  }

  start(path = '/', headers: readonly string[] = ['Host', 'a']) {
    const request: OriginRequest = { method: 'GET', path, headers, body: undefined };
    return this.origin.send(request, (head: ResponseHead, body: ReceivedBody) => {
      const reader = body.reader();
      body.close();
      return { head, body: reader };
    });
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.origin.close();
    this.cutAll();
    await this.#close();
  }
}

async function textOf(body: AsyncIterable<Aggregate>): Promise<string> {
  using all = new Aggregate();
  await watchdog(
    (async () => {
      for await (using piece of body) all.append(piece);
    })(),
    'a body',
  );
  return all.toString('latin1');
}

const answer = (text: string, more = ''): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n${more}\r\n${text}`;

/** Each byte is written as soon as the one before is gone. */
async function drip(socket: Socket, text: string): Promise<void> {
  socket.setNoDelay(true);
  for (const byte of text) {
    await new Promise(resolve => socket.write(byte, 'latin1', resolve));
    await new Promise(setImmediate);
  }
}

test('requests are sent as they are, one after the other on a connection', async () => {
  const asked: string[] = [];
  await using place = await Place.open((socket, request) => {
    asked.push(request);
    socket.write(answer('hello'));
  });
  for (let count = 0; count < 3; count++)
    assert.equal((await place.ask('/a?b', ['Host', 'shop', 'X-Name', 'caf\xe9'])).text, 'hello');
  assert.deepEqual(asked, new Array(3).fill('GET /a?b HTTP/1.1\r\nHost: shop\r\nX-Name: caf\xe9'));
  assert.equal(place.opened(), 1);
});

const SIZES = [0, 1, 4095, 4096, 65_536, 131_072, 131_073, 1_000_000, 3 * 1024 ** 2];

test('bodies of any size come as they are, several at a time', async () => {
  const bodies = SIZES.map(size => Buffer.from(Array.from({ length: size }, (_, at) => (at * 7) % 251)));
  await using place = await Place.open((socket, request) => {
    const body = bodies[Number(/^GET \/(\d+)/.exec(request)?.[1])] as Buffer;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
    socket.write(body);
  });
  for (let round = 0; round < 3; round++) {
    const got = await Promise.all(SIZES.map((_, index) => place.ask(`/${index}`)));
    for (const [index, { text }] of got.entries())
      assert.ok(text === bodies[index]?.toString('latin1'), `${SIZES[index]} bytes`);
  }
});

test('a response may come byte by byte, by its length or in chunks', async () => {
  const chunks = '5;a=b\r\nhello\r\n1\r\n!\r\n0\r\n\r\n';
  await using place = await Place.open((socket, request) =>
    drip(
      socket,
      request.includes('/chunks')
        ? `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`
        : answer('hello!'),
    ),
  );
  for (const path of ['/chunks', '/length', '/chunks'])
    assert.equal((await place.ask(path)).text, 'hello!', path);
  assert.equal(place.opened(), 1);
});

test('responses without a body leave the connection to the next', async () => {
  await using place = await Place.open((socket, _, nth) => {
    socket.write(nth % 2 === 0 ? 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n' : answer('', ''));
  });
  for (const status of [304, 200, 304]) assert.equal((await place.ask()).status, status);
  assert.equal(place.opened(), 1);
});

test('a connection that is said to end is not used again', async () => {
  await using place = await Place.open(socket => socket.write(answer('last', 'Connection: close\r\n')));
  for (let count = 0; count < 2; count++) assert.equal((await place.ask()).text, 'last');
  assert.equal(place.opened(), 2);
});

test('a connection that was closed while it was kept costs no request', async () => {
  await using place = await Place.open((socket, _, nth) => {
    // Of each connection the second request is lost.
    if (nth === 0) socket.write(answer('hello'));
    else socket.destroy();
  });
  for (let count = 0; count < 4; count++) assert.equal((await place.ask()).text, 'hello');
  place.cutAll();
  assert.equal((await place.ask()).text, 'hello');
});

test('one that is closed before it has ever answered is not tried again', async () => {
  let asked = 0;
  await using place = await Place.open(socket => {
    asked += 1;
    socket.destroy();
  });
  await assert.rejects(place.ask(), { code: 'ERR_IOLITE_ORIGIN' });
  assert.equal(asked, 1);
});

test('a connection is read on after a response that filled a turn of the loop', async t => {
  await using place = await Place.open(socket => socket.write(answer('x'.repeat(500_000))));
  t.mock.getter(loopTurn, 'isOver', () => true);
  for (let count = 0; count < 4; count++) assert.equal((await place.ask()).text.length, 500_000);
  assert.equal(place.opened(), 1);
});

test('a reader that does not read holds up the machine, and goes on where it was', async () => {
  const body = 'y'.repeat(16 * 1024 ** 2);
  let taken = false;
  await using place = await Place.open(socket => {
    socket.write(answer(body), () => {
      taken = true;
    });
  });
  const { body: reader } = await watchdog(place.start().received, 'a head');
  const first = await watchdog(reader.next(), 'a piece');
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  assert.equal(taken, false);
  using piece = first.value as Aggregate;
  assert.equal(piece.length + (await textOf(reader)).length, body.length);
  assert.equal((await place.ask()).text.length, body.length);
});

for (const [what, text] of [
  ['no HTTP', 'hello\r\n\r\n'],
  ['an interim response', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  ['no length', 'HTTP/1.1 200 OK\r\n\r\nhello'],
] as const) {
  test(`a machine that answers with ${what} is refused`, async () => {
    await using place = await Place.open(socket => socket.write(text));
    await assert.rejects(place.ask(), { code: 'ERR_IOLITE_PROTOCOL' });
  });
}

test('more than was said ends the connection, and is nobody’s response', async () => {
  await using place = await Place.open((socket, _, nth) => {
    if (nth === 0) socket.write(`${answer('hello')}${answer('stolen')}`);
  });
  const texts = await Promise.allSettled([place.ask(), place.ask()]);
  for (const each of texts) if (each.status === 'fulfilled') assert.equal(each.value.text, 'hello');
  assert.equal(place.opened(), 2);
});

test('what is said unasked ends the connection, and the next request has another', async () => {
  const sockets: Socket[] = [];
  await using place = await Place.open(socket => {
    sockets.push(socket);
    socket.write(answer('hello'));
  });
  assert.equal((await place.ask()).text, 'hello');
  const [first] = sockets as [Socket];
  const closed = once(first, 'close');
  first.write(answer('stolen'));
  await watchdog(closed, 'the connection to be closed');
  assert.equal((await place.ask()).text, 'hello');
  assert.equal(place.opened(), 2);
});

for (const [what, tail] of [
  ['chunks that are none', 'zz\r\nhello\r\n'],
  ['bytes behind the last chunk', '0\r\n\r\nmore'],
] as const) {
  test(`a body with ${what} breaks off`, async () => {
    await using place = await Place.open(socket =>
      socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n${tail}`),
    );
    await assert.rejects(place.ask(), { code: 'ERR_IOLITE_PROTOCOL' });
  });
}

test('a body that breaks off fails whoever reads it, wherever it was read into', async () => {
  for (const come of [1, 200_000]) {
    await using place = await Place.open(socket => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(come)}`, () =>
        setImmediate(() => socket.end()),
      );
    });
    await assert.rejects(place.ask(), { code: 'ERR_IOLITE_ORIGIN' });
  }
});

test('a machine that is silent, before the head or amid the body, took too long', async () => {
  await using place = await Place.open(
    (socket, request) => {
      if (request.includes('/amid')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello');
    },
    { headersTimeout: 50, bodyTimeout: 50 },
  );
  for (const path of ['/before', '/amid'])
    await assert.rejects(place.ask(path), { code: 'ERR_IOLITE_TIMEOUT' }, path);
});

test('a client that does not read is no silence of the machine, also amid a read', async () => {
  const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
  const count = 2048;
  await using place = await Place.open(
    (socket, request) => {
      if (!request.includes('/held')) return;
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      socket.write(`${chunk.repeat(count)}0\r\n\r\n`);
    },
    { headersTimeout: 300, bodyTimeout: 100 },
  );
  const { body } = await watchdog(place.start('/held').received, 'a head');
  // Who is silent from now on has taken too long when the other one would have, if it were waited for.
  for (let round = 0; round < 2; round++)
    await assert.rejects(place.ask('/silent'), { code: 'ERR_IOLITE_TIMEOUT' });
  assert.equal((await textOf(body)).length, 4096 * count);
});

test('where nobody listens is told at once', async () => {
  const place = await Place.open(() => {});
  await place[Symbol.asyncDispose]();
  const origin = new PeerOrigin(place.origin.url, { connectTimeout: 5000 });
  const request = { method: 'GET', path: '/', headers: [], body: undefined };
  const asked = origin.send(request, () => 0);
  await assert.rejects(watchdog(asked.received, 'a refusal'), { code: 'ERR_IOLITE_ORIGIN' });
  await origin.close();
});

test('a machine is found by a name that has several addresses, of which it listens at one', async () => {
  const body = 'x'.repeat(300_000);
  await using place = await Place.open(socket => socket.write(answer(body)));
  const { port } = new URL(place.origin.url);
  const named = new PeerOrigin(`http://localhost:${port}`, { connectTimeout: 5000 });
  const request = { method: 'GET', path: '/', headers: ['Host', 'a'], body: undefined };
  const asked = named.send(request, (_, come) => {
    const reader = come.reader();
    come.close();
    return textOf(reader);
  });
  assert.equal(await watchdog(asked.received, 'a response'), body);
  await named.close();
});

test('what could be taken for another request is not sent', async () => {
  let asked = 0;
  await using place = await Place.open(socket => {
    asked += 1;
    socket.write(answer('hello'));
  });
  for (const path of ['a', '/a b', '/a\r\nX: y', '/\x80', ''])
    await assert.rejects(place.ask(path), { code: 'ERR_IOLITE_ARGUMENT' }, JSON.stringify(path));
  for (const value of ['a\r\nX: y', 'a\nb', 'a\0', '\u0100'])
    await assert.rejects(place.ask('/', ['X', value]), { code: 'ERR_IOLITE_ARGUMENT' });
  for (const name of ['a b', '', 'a:b', 'a\r\nb'])
    await assert.rejects(place.ask('/', [name, 'x']), { code: 'ERR_IOLITE_ARGUMENT' });
  assert.equal(asked, 0);
  assert.equal((await place.ask()).text, 'hello');
});

test('an exchange that is aborted takes its connection with it, and its place goes to the next', async () => {
  let isHeld = (): void => {};
  const holding = new Promise<void>(resolve => {
    isHeld = resolve;
  });
  await using place = await Place.open(
    (socket, request) => {
      if (request.includes('/answered')) socket.write(answer('hello'));
      else isHeld();
    },
    { connections: 1 },
  );
  const held = place.start('/held');
  const next = place.ask('/answered');
  await watchdog(holding, 'a request');
  held.abort();
  await assert.rejects(held.received, { name: 'AbortError' });
  assert.equal((await next).text, 'hello');
  assert.equal(place.opened(), 2);
});

test('when it is closed what is under way fails, and so does what waits', async () => {
  const place = await Place.open(() => {}, { connections: 1 });
  const asked = ['/1', '/2'].map(path => place.start(path).received);
  const failed = Promise.all(asked.map(each => assert.rejects(each, { code: 'ERR_IOLITE_CLOSED' })));
  await place[Symbol.asyncDispose]();
  await watchdog(failed, 'both to fail');
});
