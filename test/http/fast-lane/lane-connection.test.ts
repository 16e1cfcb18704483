import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { LaneServer } from '../../support/lane-server.ts';
import { Program } from '../../support/program.ts';
import { watchdog } from '../../support/watchdog.ts';

const HOLDER = new URL('./children/lane-holder.ts', import.meta.url);
/** As many as are answered one behind the other at most. */
const TURN_REQUESTS = 32;

function get(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: test\r\n\r\n`;
}

test('a client that pipelines without end does not keep another waiting', async () => {
  await using server = new LaneServer();
  const { now } = server.handler;
  let flooded = 0;
  let enough = (): void => {};
  const isFlooding = new Promise<void>(resolve => {
    enough = resolve;
  });
  now.set('/flood', () => {
    flooded += 1;
    if (flooded % 1000 === 0) enough();
    return { status: 204, headers: [], body: undefined };
  });
  const before: number[] = [];
  now.set('/single', () => {
    before.push(flooded);
    return { status: 204, headers: [], body: undefined };
  });
  // At any time this many requests are there, or on their way: a few windows of TCP.
  const outstanding = 800;
  const flood = await server.connect();
  flood.send(['GET', '/flood']);
  const [{ length }] = (await once(flood.socket, 'data')) as [Buffer];
  let bytes = 0;
  flood.socket.on('data', piece => {
    bytes += piece.length;
    const answers = Math.floor(bytes / length);
    bytes %= length;
    flood.socket.write(get('/flood').repeat(answers));
  });
  const single = await server.connect();
  flood.socket.write(get('/flood').repeat(outstanding));
  await watchdog(isFlooding, 'the flood');
  let meanwhile = 0;
  for (let i = 0; i < 50; i++) {
    const asked = flooded;
    single.ask('/single');
    await single.response();
    const waited = (before.at(-1) as number) - asked;
    assert.ok(waited <= 3 * TURN_REQUESTS, `${waited} answers went to another meanwhile`);
    meanwhile += waited;
  }
  assert.ok(meanwhile > 0, 'the flood goes on');
  flood.socket.destroy();
});

test('pipelined requests of many turns are answered in order, and who leaves costs nothing', async () => {
  await using server = new LaneServer();
  const { now, pool } = server.handler;
  const asked: string[] = [];
  for (let i = 0; i < 1000; i++) {
    now.set(`/${i}`, () => {
      asked.push(`${i}`);
      return { status: 200, headers: [], body: pool.from(`${i}`) };
    });
  }
  const targets = Array.from({ length: 1000 }, (_, i): [string, string] => ['GET', `/${i}`]);
  const client = await server.connect();
  client.send(...targets, ['GET', '/other']);
  for (let i = 0; i < 1000; i++) assert.equal((await client.response()).body.toString(), `${i}`);
  assert.equal((await client.response()).body.toString(), 'node GET /other');
  assert.equal(asked.length, 1000);
  // Between two turns of it the connection is reset, and another's lane is closed.
  for (const leave of ['resetAndDestroy', 'end'] as const) {
    const leaver = await server.connect();
    now.set('/40', () => {
      leaver.socket[leave]();
      return { status: 200, headers: [], body: pool.from('40') };
    });
    leaver.send(...targets);
    if (leave === 'end') for (let i = 0; i < 1000; i++) await leaver.response();
    await leaver.end();
  }
  while (server.lane.connections > 0) await new Promise(setImmediate);
  server.handler.close();
  assert.equal(pool.stats().chunks, 0);
});

test('requests that a read cuts in two stay in the lane, as the rest of them is there', async () => {
  await using server = new LaneServer();
  const { now, told } = server.handler;
  let goOn = (): void => {};
  const isAsked = new Promise<void>(resolve => {
    told.set('/first', answered => {
      resolve();
      goOn = () => answered({ status: 204, headers: [], body: undefined });
      return () => {};
    });
  });
  let asked = 0;
  now.set('/more', () => {
    asked += 1;
    return { status: 204, headers: [], body: undefined };
  });
  // More than is read while the first is answered.
  const count = 3600;
  const client = await server.connect();
  await new Promise<void>(resolve => {
    client.socket.write(get('/first') + get('/more').repeat(count), () => resolve());
  });
  await watchdog(isAsked, 'the first request');
  goOn();
  for (let i = 0; i <= count; i++) assert.equal((await client.response()).status, 204);
  assert.equal(asked, count);
});

test('of two thousand connections none is served twice more than another', async () => {
  const connections = 2000;
  const rounds = 5;
  await using server = new LaneServer();
  const counts = new Uint32Array(connections);
  /** How many connections have had so many answers. */
  const reached = new Uint32Array(rounds + 1);
  reached[0] = connections;
  let least = 0;
  let furthest = 0;
  const body = server.handler.pool.from('.');
  const headers = ['Content-Length', '1'];
  const all = new Set<Socket>();
  for (let i = 0; i < connections; i++) {
    server.handler.now.set(`/${i}`, () => {
      const count = (counts[i] as number) + 1;
      (reached[count - 1] as number) -= 1;
      (reached[count] as number) += 1;
      counts[i] = count;
      while (reached[least] === 0) least += 1;
      furthest = Math.max(furthest, count - least);
      return { status: 200, headers, body: body.duplicate() };
    });
  }
  const port = await server.port();
  for (let i = 0; i < connections; i++) {
    const socket = connect(port, '127.0.0.1');
    all.add(socket);
    await watchdog(once(socket, 'connect'), 'a connection');
  }
  const done = [...all].map(
    (socket, i) =>
      new Promise<void>((resolve, reject) => {
        let answers = 0;
        socket.on('data', bytes => {
          // One answer, whole: it is smaller than a segment, and alone.
          if (!/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n\.$/.test(bytes.toString()))
            reject(new Error(`${bytes}`));
          answers += 1;
          if (answers === rounds) resolve();
          else socket.write(get(`/${i}`));
        });
        socket.on('error', reject);
      }),
  );
  for (const [i, socket] of [...all].entries()) socket.write(get(`/${i}`));
  await watchdog(Promise.all(done), 'all answers', 60_000);
  assert.ok(counts.every(count => count === rounds));
  assert.ok(furthest <= 2, `one was ${furthest} answers ahead of another`);
  for (const socket of all) socket.destroy();
  body.release();
});

test('a kept connection costs at most 12 KB of the memory of its process', async () => {
  await using holder = new Program(HOLDER);
  const port = (await holder.line()) as number;
  const kept: Socket[] = [];
  const keep = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const socket = connect(port, '127.0.0.1');
      kept.push(socket);
      // The second and third request take other ways.
      for (let round = 0; round < 3; round++) {
        socket.write(get('/file'));
        let bytes = 0;
        while (bytes < 8192)
          bytes += ((await watchdog(once(socket, 'data'), 'an answer')) as [Buffer])[0].length;
      }
    }
  };
  // What is needed once is there.
  await keep(200);
  const before = (await holder.ask('memory')) as number;
  const count = 2000;
  await keep(count);
  const each = ((await holder.ask('memory')) as number) - before;
  assert.ok(each / count <= 12 * 1024, `${each / count} bytes a connection`);
  for (const socket of kept) socket.destroy();
});
