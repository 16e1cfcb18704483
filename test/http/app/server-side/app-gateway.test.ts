import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AppGateway, type AppGatewayOptions } from '../../../../src/http/app/server-side/app-gateway.ts';
import { AppProcesses } from '../../../../src/http/app/server-side/app-processes.ts';
import { Folder } from '../../../support/folder.ts';
import { holdingsReturnTo, settledHoldings } from '../../../support/holdings.ts';
import { watchdog } from '../../../support/watchdog.ts';
import { Front } from '../support/front.ts';
import { Gate } from '../support/gate.ts';

const MODULE = fileURLToPath(new URL('../children/application.ts', import.meta.url));
const WAYS = [
  { hasLane: false, way: '' },
  { hasLane: true, way: ', also in the fast lane' },
];
const MiB = 1024 ** 2;

const apps = new AppProcesses({ module: MODULE, workers: 2 });
before(() => watchdog(apps.start(), 'the application to start'));
after(() => apps.close({ force: true }));

interface SiteOptions extends AppGatewayOptions {
  /** Whether the fast lane asks it, which does without promises. */
  readonly hasLane?: boolean;
}

/** A gateway to the application, behind a port. */
class Site implements AsyncDisposable {
  readonly gateway: AppGateway;
  readonly front: Front;
  readonly #serving: (address: string) => void;

  private constructor(gateway: AppGateway, front: Front, serving: (address: string) => void) {
    this.gateway = gateway;
    this.front = front;
    this.#serving = serving;
  }

  static async start({ hasLane = false, ...options }: SiteOptions = {}): Promise<Site> {
    const gateway = new AppGateway(options);
    const serving = (address: string): void => void gateway.connect(address);
    apps.on('serving', serving);
    await watchdog(Promise.all(apps.addresses.map(address => gateway.connect(address))), 'the channels');
    return new Site(gateway, await Front.start(gateway, { hasLane }), serving);
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return watchdog(fetch(`http://127.0.0.1:${this.front.port}/${path}`, init), `an answer to ${path}`);
  }

  async text(path: string, init: RequestInit = {}): Promise<string> {
    return (await this.fetch(path, init)).text();
  }

  /** Waits until the application has seen so many of its answers given up. */
  async aborted(count: number): Promise<void> {
    const seen = async (): Promise<void> => {
      for (;;) {
        // Of whichever process is asked: both in turn.
        const counts = [await this.text('aborted'), await this.text('aborted')];
        if (counts.reduce((sum, each) => sum + Number(each), 0) >= count) return;
      }
    };
    await watchdog(seen(), `${count} answers to be given up`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    apps.off('serving', this.#serving);
    await this.front[Symbol.asyncDispose]();
    this.gateway.close();
  }
}

for (const { hasLane, way } of WAYS) {
  test(`answers have the status, the headers and the body that the application gave${way}`, async () => {
    await using site = await Site.start({ hasLane });
    const hello = await site.fetch('hello');
    assert.equal(await hello.text(), 'hello');
    assert.equal(hello.headers.get('content-type'), 'text/plain; charset=utf-8');
    assert.equal(hello.headers.get('content-length'), '5');
    assert.equal((await site.fetch('pid')).headers.get('x-kind'), 'one, two');
    assert.equal((await site.fetch('status/204')).status, 204);
    assert.equal((await site.fetch('status/404')).status, 404);
    assert.equal((await site.fetch('status/304')).status, 304);
    const bytes = Buffer.from(await (await site.fetch(`bytes/${3 * MiB}`)).arrayBuffer());
    assert.ok(bytes.equals(Buffer.alloc(3 * MiB, 66)));
    const head = await site.fetch('kept', { method: 'HEAD' });
    assert.equal(head.headers.get('content-length'), '250000');
    assert.equal((await site.fetch('stream/5', { method: 'HEAD' })).status, 200);
  });
}

test('an aggregate that is kept is answered with again and again', async () => {
  await using site = await Site.start();
  const kept = 'kept '.repeat(50_000);
  const texts = await Promise.all(Array.from({ length: 50 }, () => site.text('kept')));
  assert.ok(texts.every(text => text === kept));
});

test('bodies of requests come whole or as streams, and can be left unread', async () => {
  await using site = await Site.start();
  for (const size of [0, 1, 1000, 65_536, 65_537, 5 * MiB]) {
    const body = Buffer.alloc(size, 'the body of a request ');
    for (const path of ['echo', 'pipe']) {
      const answer = await site.fetch(path, { method: 'POST', body });
      assert.equal(answer.status, 200, `${path} ${size}`);
      assert.ok(body.equals(Buffer.from(await answer.arrayBuffer())), `${path} ${size}`);
    }
    assert.equal(await site.text('ignore', { method: 'PUT', body }), 'ignored');
  }
  const answer = await site.fetch('echo', { method: 'POST', body: '{}', headers: { 'Content-Type': 'a/b' } });
  assert.deepEqual([answer.headers.get('x-method'), answer.headers.get('x-type')], ['POST', 'a/b']);
});

test('streams go both ways at once', async () => {
  await using site = await Site.start();
  const asked = request({
    port: site.front.port,
    host: '127.0.0.1',
    path: '/pipe',
    method: 'POST',
    agent: false,
  });
  asked.flushHeaders();
  asked.write('ping 0');
  const [response] = await watchdog(once(asked, 'response'), 'the head of the answer');
  for (let i = 1; i < 10; i++) {
    const [piece] = await watchdog(once(response, 'data'), 'a piece');
    assert.equal(String(piece), `ping ${i - 1}`);
    asked.write(`ping ${i}`);
  }
  asked.end();
  await watchdog(once(response.resume(), 'end'), 'the end of the answer');
});

for (const { hasLane, way } of WAYS) {
  test(`what fails has its status, and the next request is answered${way}`, async () => {
    await using site = await Site.start({ hasLane, maxBodyBytes: MiB });
    const statuses = {
      throw: 500,
      reject: 500,
      nonsense: 500,
      'headers/7': 500,
      [`headers/${encodeURIComponent('{"headers":{"X-A":"b\\r\\nX-C: d"}}')}`]: 502,
      [`headers/${encodeURIComponent('{"headers":{"content-length":"7"},"body":"no"}')}`]: 502,
      [`headers/${encodeURIComponent('{"headers":{"Connection":"close","Transfer-Encoding":"x"}}')}`]: 200,
      [`headers/${encodeURIComponent('{"status":99}')}`]: 500,
    };
    for (const [path, status] of Object.entries(statuses)) {
      assert.equal((await site.fetch(path)).status, status, path);
      assert.equal(await site.text('hello'), 'hello');
    }
    await assert.rejects(site.text('breaks'));
    for (const headers of [{}, { 'Transfer-Encoding': 'chunked' }]) {
      const sent = request({
        port: site.front.port,
        host: '127.0.0.1',
        path: '/echo',
        method: 'POST',
        agent: false,
        headers,
      });
      sent.on('error', () => {});
      sent.end(Buffer.alloc(2 * MiB));
      const [response] = await watchdog(once(sent, 'response'), 'an answer');
      assert.equal(response.statusCode, 413);
      sent.destroy();
    }
  });
}

for (const { hasLane, way } of WAYS) {
  test(`an answer that does not come in time is 504, and takes no place afterwards${way}`, async () => {
    await using site = await Site.start({ hasLane, timeout: 100, maxConcurrency: 1, maxQueue: 0 });
    for (let i = 0; i < 3; i++) assert.equal((await site.fetch('hang')).status, 504);
    // Whether the next comes in time is the machine's affair.
    const answered = async (): Promise<void> => {
      while ((await site.fetch('hello')).status !== 200);
    };
    await watchdog(answered(), 'an answer in time');
  });
}

for (const { hasLane, way } of WAYS) {
  test(`requests beyond the bounds wait, or are refused with 503${way}`, async () => {
    using folder = new Folder();
    await using gate = await Gate.in(folder);
    await using site = await Site.start({ hasLane, maxConcurrency: 1, maxQueue: 2 });
    const atProcesses = [site.fetch(gate.target), site.fetch(gate.target)];
    await gate.arrived(2);
    // Nothing is answered before the gate opens, but what is refused.
    const statuses: number[] = [];
    let tell = (): void => {};
    const refused = new Promise<void>(resolve => {
      tell = resolve;
    });
    const later = Array.from({ length: 8 }, async () => {
      statuses.push((await site.fetch(gate.target)).status);
      if (statuses.length === 6) tell();
    });
    await watchdog(refused, 'six to be refused');
    assert.equal(gate.arrivals, 2);
    assert.deepEqual(statuses, Array(6).fill(503));
    gate.open();
    await Promise.all(later);
    assert.deepEqual(statuses.slice(6), [200, 200]);
    const first = (await Promise.all(atProcesses)).map(({ status }) => status);
    assert.deepEqual(first, [200, 200]);
    assert.equal(gate.arrivals, 4);
    assert.equal(await site.text('hello'), 'hello');
  });
}

for (const { hasLane, way } of WAYS) {
  test(`a client that leaves ends what is done for it${way}`, async () => {
    await using site = await Site.start({ hasLane });
    for (const path of ['hang', 'endless']) {
      const sums = async (): Promise<number> =>
        Number(await site.text('aborted')) + Number(await site.text('aborted'));
      const earlier = await sums();
      const socket = connect(site.front.port, '127.0.0.1');
      socket.write(`GET /${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      if (path === 'endless') await watchdog(once(socket, 'data'), 'the beginning');
      else await site.text('hello');
      socket.destroy();
      await site.aborted(earlier + 1);
    }
  });
}

test('a client of the fast lane that leaves a stream while nothing comes frees its place', async () => {
  await using site = await Site.start({ hasLane: true, maxConcurrency: 1 });
  const earlier = Number(await site.text('aborted')) + Number(await site.text('aborted'));
  for (const leave of ['destroy', 'end', 'resetAndDestroy'] as const) {
    // Both processes have one.
    const sockets = [1, 2].map(() => connect(site.front.port, '127.0.0.1'));
    for (const socket of sockets) {
      socket.on('error', () => {}).write('GET /silent HTTP/1.1\r\nHost: x\r\n\r\n');
      await watchdog(once(socket, 'data'), 'the beginning');
    }
    for (const socket of sockets) socket[leave]();
    assert.equal(await site.text('hello'), 'hello', leave);
    for (const socket of sockets) socket.destroy();
  }
  await site.aborted(earlier + 6);
});

for (const { hasLane, way } of WAYS) {
  test(`a process that dies costs the requests it had, and is replaced${way}`, async () => {
    await using site = await Site.start({ hasLane });
    const leaving = new AbortController();
    const hang = () => site.fetch('hang', { signal: leaving.signal });
    const hanging = [hang(), hang()];
    const [victim] = apps.workers;
    const serving = once(apps, 'serving');
    await site.text('hello');
    process.kill(victim?.pid as number, 'SIGKILL');
    const first = await watchdog(Promise.race(hanging), 'the request it had');
    assert.equal(first.status, 502);
    assert.equal(await site.text('hello'), 'hello');
    await watchdog(serving, 'its successor');
    const pids = new Set<string>();
    while (pids.size < 2) pids.add(await site.text('pid'));
    assert.ok(!pids.has(String(victim?.pid)));
    leaving.abort();
    await Promise.allSettled(hanging);
  });
}

for (const { hasLane, way } of WAYS) {
  test(`nothing is left of requests, clients that left, and gateways that are closed${way}`, async () => {
    const used = async (): Promise<void> => {
      await using site = await Site.start({ hasLane, timeout: 50 });
      const work = ['kept', 'bytes/300000', 'stream/100', 'hang', 'throw', 'breaks'].flatMap(path =>
        Array.from({ length: 5 }, () => site.text(path).catch(() => '')),
      );
      const uploads = Array.from({ length: 5 }, () =>
        site.text('pipe', { method: 'POST', body: Buffer.alloc(MiB) }).catch(() => ''),
      );
      for (let i = 0; i < 5; i++) {
        const socket = connect(site.front.port, '127.0.0.1');
        socket.on('error', () => {});
        socket.write('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n');
        await watchdog(once(socket, 'data'), 'the beginning');
        socket.resetAndDestroy();
      }
      await watchdog(Promise.all([...work, ...uploads]), 'all answers');
    };
    await used();
    const held = await settledHoldings();
    for (let round = 0; round < 3; round++) await used();
    await holdingsReturnTo(held);
  });
}
