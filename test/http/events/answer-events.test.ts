import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import diagnostics from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { createServer } from '../../../src/http/server/server.ts';
import type { AnswerEvent } from '../../../src/observe/events.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';
import '../../../src/http/events/request-with-fields.ts';
import '../../../src/http/events/watched-answer.ts';

/** What is told of an event while a test runs. */
function heard<T = AnswerEvent>(context: TestContext, name: string, told: (event: T) => void): void {
  const listener = (event: unknown): void => told(event as T);
  diagnostics.subscribe(name, listener);
  context.after(() => void diagnostics.unsubscribe(name, listener));
}

const NODE = { 'X-Unknown': '1' };

test('an answer starts and finishes, in the lane and behind node:http, as one object', async context => {
  using folder = new Folder();
  writeFileSync(folder.file('file'), 'content');
  await using server = createServer({ root: folder.path });
  await server.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${server.address()?.port}`;
  const get = async (path: string, headers = {}): Promise<void> =>
    void (await (await fetch(url + path, { headers })).text());
  // What would be repeated is not while somebody watches.
  for (let i = 0; i < 3; i++) await get('/file');
  const started: AnswerEvent[] = [];
  const finished: AnswerEvent[] = [];
  heard(context, 'iolite:answer:start', event => started.push(event));
  heard(context, 'iolite:answer:finish', event => finished.push(event));
  for (let i = 0; i < 2; i++) await get('/file');
  await get('/none', NODE);
  // Node.js tells of the end a moment after the client has it.
  while (finished.length < 3) await new Promise(setImmediate);
  assert.deepEqual(
    finished.map(({ request, status, bytes }) => [request.method, request.target, status, bytes > 0]),
    [
      ['GET', '/file', 200, true],
      ['GET', '/file', 200, true],
      ['GET', '/none', 404, true],
    ],
  );
  for (const event of finished) assert.ok(started.includes(event) && event.duration > 0);
  assert.equal(finished.at(-1)?.lane, 'node');
});

test('answers that are repeated finish, and are told as such', async context => {
  using folder = new Folder();
  writeFileSync(folder.file('file'), 'content');
  await using server = createServer({ root: folder.path });
  await server.listen(0, '127.0.0.1');
  const finished: boolean[] = [];
  heard(context, 'iolite:answer:finish', ({ isRepeated }) => finished.push(isRepeated));
  for (let i = 0; i < 4; i++) await (await fetch(`http://127.0.0.1:${server.address()?.port}/file`)).text();
  while (finished.length < 4) await new Promise(setImmediate);
  assert.equal(finished[0], false);
});

test('who answers runs within what a subscriber puts around it, and sees its fields', async context => {
  const store = new AsyncLocalStorage<string>();
  const around = new AsyncLocalStorage<string>();
  const channel = diagnostics.channel('iolite:answer:start') as diagnostics.Channel<string, AnswerEvent>;
  channel.bindStore(store, ({ request }) => request.target);
  context.after(() => void channel.unbindStore(store));
  heard(context, 'iolite:answer:start', event => {
    event.setHeader('Traceparent', 'ours');
    event.around = answer => around.run('around', answer);
  });
  await using server = createServer({
    handler: async request => {
      await new Promise(setImmediate);
      const said = [store.getStore(), around.getStore(), request.header('traceparent')];
      said.push(String(request.rawHeaders.filter(each => each === 'theirs').length));
      return { status: 200, headers: ['X-Said', said.join()], body: undefined };
    },
  });
  await server.listen(0, '127.0.0.1');
  for (const headers of [{ Traceparent: 'theirs' }, { Traceparent: 'theirs', ...NODE }]) {
    const response = await fetch(`http://127.0.0.1:${server.address()?.port}/path`, { headers });
    assert.equal(response.headers.get('x-said'), '/path,around,ours,0');
  }
});

test('what a handler fails with is told, and a client that has left', async context => {
  const errors: unknown[] = [];
  const finished: (number | undefined)[] = [];
  heard(context, 'iolite:answer:error', ({ error }) => errors.push(error));
  heard(context, 'iolite:answer:start', () => {});
  heard(context, 'iolite:answer:finish', ({ status }) => finished.push(status));
  const bug = new Error('a bug');
  let asked: () => void = () => {};
  const isAsked = new Promise<void>(resolve => {
    asked = resolve;
  });
  await using server = createServer({
    handler: (request, signal) => {
      if (request.target === '/fails') throw bug;
      asked();
      return new Promise((_, leave) => signal.addEventListener('abort', () => leave(signal.reason)));
    },
  });
  await server.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${server.address()?.port}`;
  assert.equal((await fetch(`${url}/fails`)).status, 500);
  assert.deepEqual(errors, [bug]);
  const leaving = new AbortController();
  const left = fetch(`${url}/waits`, { signal: leaving.signal });
  await watchdog(isAsked, 'the question');
  leaving.abort();
  await assert.rejects(left);
  const told = async (): Promise<void> => {
    while (finished.length < 2) await new Promise(setImmediate);
  };
  await watchdog(told(), 'the client to be missed');
  assert.deepEqual(finished, [500, undefined]);
});
