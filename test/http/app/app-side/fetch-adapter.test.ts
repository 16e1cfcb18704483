import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Aggregate } from '../../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../../src/aggregate/pool.ts';
import { BodyKind, type RequestHead } from '../../../../src/http/app/app-protocol.ts';
import { AppRequest } from '../../../../src/http/app/app-side/app-request.ts';
import type { AppResponse } from '../../../../src/http/app/app-side/application.ts';
import { fetchAppHandler } from '../../../../src/http/app/app-side/fetch-adapter.ts';

function request(head: Partial<RequestHead> = {}, body?: Aggregate): AppRequest {
  const whole: RequestHead = {
    method: 'GET',
    target: '/',
    secure: false,
    remoteAddress: undefined,
    rawHeaders: [],
    body: body === undefined ? BodyKind.NONE : BodyKind.WHOLE,
    ...head,
  };
  const takeStream = (): never => assert.fail('there is no stream');
  return new AppRequest(whole, {
    body,
    context: new AbortController(),
    cache: undefined as never,
    takeStream,
    interim: () => {},
  });
}

/** What an application is asked, and that its answer is the handler's. */
async function asked(head: Partial<RequestHead>): Promise<Request | undefined> {
  let found: Request | undefined;
  const handler = fetchAppHandler({
    fetch: each => {
      found = each;
      return new Response(null, { status: 204 });
    },
  });
  const { status } = await handler(request(head));
  assert.equal(status, found === undefined ? 501 : 204);
  return found;
}

test('the URL is made of the target, the Host and the scheme', async () => {
  const host = ['Host', 'example.com:81'];
  for (const [head, url] of [
    [{}, 'http://localhost/'],
    [{ rawHeaders: host, target: '/a/b?c=d?e' }, 'http://example.com:81/a/b?c=d?e'],
    [{ rawHeaders: host, secure: true }, 'https://example.com:81/'],
    [{ rawHeaders: ['host', 'not a host'], target: '/a' }, 'http://localhost/a'],
    [{ target: 'http://other.example/x?y', rawHeaders: host }, 'http://other.example/x?y'],
    [{ target: '*', method: 'OPTIONS', rawHeaders: host }, 'http://example.com:81/'],
    // It is a path, not another host.
    [{ target: '//evil.example/x', rawHeaders: host }, 'http://example.com:81//evil.example/x'],
  ] as const) {
    assert.equal((await asked(head))?.url, url);
  }
});

test('fields come through, those of several lines joined', async () => {
  const found = await asked({ rawHeaders: ['X-A', 'b', 'x-a', 'c', 'Accept', 'text/html'] });
  assert.deepEqual(
    [...(found?.headers ?? [])],
    [
      ['accept', 'text/html'],
      ['x-a', 'b, c'],
    ],
  );
});

test('what the interface has no words for is 501', async () => {
  for (const method of ['CONNECT', 'TRACE']) assert.equal(await asked({ method }), undefined);
  assert.equal(await asked({ target: 'http://[' }), undefined);
});

test('the body of a request is read as a stream', async () => {
  using pool = createPool();
  using body = pool.from('the body of a request');
  const handler = fetchAppHandler({ fetch: async each => new Response((await each.text()).toUpperCase()) });
  const { body: answer } = await handler(request({ method: 'POST' }, body));
  assert.equal(Buffer.from(answer as Uint8Array).toString(), 'THE BODY OF A REQUEST');
});

async function answerTo(response: Response): Promise<AppResponse['body']> {
  return (await fetchAppHandler({ fetch: () => response })(request())).body;
}

test('a body that is there is answered as one, another piece by piece', async () => {
  assert.equal(await answerTo(new Response(null)), undefined);
  for (const text of ['', 'all of it']) {
    const whole = await answerTo(new Response(text));
    assert.ok(whole instanceof Uint8Array);
    assert.equal(Buffer.from(whole).toString(), text);
  }
  const parts: ReadableStreamDefaultController[] = [];
  const later = await answerTo(
    new Response(
      new ReadableStream({
        start: controller => {
          parts.push(controller);
          controller.enqueue(Buffer.from('first'));
        },
      }),
    ),
  );
  assert.ok(!(later instanceof Uint8Array) && !Aggregate.isAggregate(later));
  const pieces = (later as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  assert.equal(String(Buffer.from((await pieces.next()).value)), 'first');
  parts[0]?.enqueue(Buffer.from('second'));
  assert.equal(String(Buffer.from((await pieces.next()).value)), 'second');
  parts[0]?.close();
  assert.equal((await pieces.next()).done, true);
});

test('a body that nobody wants any more is cancelled', async () => {
  let cancelled = false;
  const body = await answerTo(
    new Response(
      new ReadableStream({
        pull: () => new Promise(() => {}),
        cancel: () => {
          cancelled = true;
        },
      }),
    ),
  );
  await (body as AsyncIterableIterator<Uint8Array>).return?.();
  assert.equal(cancelled, true);
});
