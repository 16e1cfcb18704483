import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { suite, test } from 'node:test';
import { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { PullServer } from '../../../src/cluster/pulls/pull-server.ts';
import { type SignedPull, signPull } from '../../../src/cluster/pulls/pull-signature.ts';
import type { PullAnswerer } from '../../../src/http/proxy/cluster/proxy-peers.ts';
import { watchdog } from '../../support/watchdog.ts';
import { freePort } from '../support/nats-server.ts';

const SECRET = '0123456789abcdef';
const TARGET = 'https://shop.example/a';
const LOG = { log: 'l', sequence: 12 };

const answerer: PullAnswerer = async ({ target, secure, remoteAddress }) =>
  target === TARGET
    ? {
        status: 200,
        headers: ['Content-Length', '8'],
        body: Aggregate.adopt(Buffer.from(`${secure} ${remoteAddress}`)),
      }
    : undefined;

/** How a target is asked for: as machines do, which the fast lane reads; or in a form that node:http does. */
type Form = 'path' | 'whole';

/** A server of pulls, and how it answers. */
async function serve(form: Form, options: { secret?: string | undefined; trustedUntil?: number } = {}) {
  const { secret, trustedUntil = 1 } = { secret: SECRET, ...options };
  const log = { applied: LOG, trustedUntil, appliedHere: async () => {} };
  const server = new PullServer({ epoch: 'e2', secret, log: log as never });
  const url = `http://127.0.0.1:${await freePort()}`;
  await server.listen(url);
  server.serve('shop', { atHand: () => undefined, answer: answerer, hottest: async () => [] });
  const send = async (headers: readonly string[], target = TARGET, method = 'GET') => {
    const { host, pathname } = new URL(target);
    const path = form === 'whole' ? target : pathname;
    const asked = request(url, { path, method, headers: ['Host', host, ...headers] });
    const [answer] = (await once(asked.end(), 'response')) as [IncomingMessage];
    let text = '';
    for await (const piece of answer) text += piece;
    return { status: answer.statusCode, text, fill: answer.headers['iolite-fill'] };
  };
  return { url, send, server, [Symbol.asyncDispose]: () => server.close() };
}

let count = 0;

function signed(changes: Partial<SignedPull> = {}, secret = SECRET): readonly string[] {
  count += 1;
  const pull = { target: TARGET, from: 'one', epoch: 'e1', to: 'e2', count, log: 'l', position: 12 };
  return signPull(secret, { ...pull, site: 'shop', client: '::1', ...changes });
}

for (const form of ['path', 'whole'] as const) {
  suite(`the port of pulls, asked by ${form === 'path' ? 'a path' : 'the whole target'}`, () => {
    test('who knows the secret is answered, as the client would be', async () => {
      await using server = await serve(form);
      const got = await server.send(signed());
      assert.deepEqual(got, { status: 200, text: 'true ::1', fill: 'hop=1; position=12; log=l' });
    });

    test('what is forged, was here before, or is for another one is refused', async () => {
      await using server = await serve(form);
      const first = signed();
      assert.equal((await server.send(first)).status, 200);
      assert.equal((await server.send(first)).status, 403);
      assert.equal((await server.send([])).status, 403);
      assert.equal((await server.send(signed({}, 'fedcba9876543210'))).status, 403);
      assert.equal((await server.send(signed({ to: 'e3' }))).status, 403);
      assert.equal((await server.send(signed(), 'https://shop.example/b')).status, 403);
      assert.equal((await server.send(signed(), TARGET, 'POST')).status, 403);
    });

    test('what nobody has, or nobody is to have, is not there', async () => {
      await using server = await serve(form);
      assert.equal((await server.send(signed({ site: 'other' }))).status, 404);
      const target = 'https://shop.example/private';
      assert.equal((await server.send(signed({ target }), target)).status, 404);
    });

    test('what was answered and refused is counted', async () => {
      await using place = await serve(form);
      await place.send(signed());
      await place.send(signed());
      await place.send([]);
      await place.send(signed({ site: 'other' }));
      // A server may say so before it takes it down.
      const taken = async (): Promise<void> => {
        for (let left = 4; left > 0; await new Promise(setImmediate)) {
          const { answered, refused } = place.server.counts;
          left = 4 - answered - refused;
        }
      };
      await watchdog(taken(), 'counts');
      assert.deepEqual(place.server.counts, { answered: 2, refused: 2, bytes: 16 });
    });

    test('without a secret nobody is answered', async () => {
      await using server = await serve(form, { secret: undefined });
      assert.equal((await server.send(signed())).status, 403);
      assert.equal((await server.send(signed({}, 'undefined'))).status, 403);
    });

    test('who reads another log, or is cut off, answers nothing', async () => {
      await using server = await serve(form);
      assert.equal((await server.send(signed({ log: 'another' }))).status, 503);
      await using cutOff = await serve(form, { trustedUntil: 0 });
      assert.equal((await cutOff.send(signed())).status, 503);
    });
  });
}

suite('the port of pulls', () => {
  test('two do not listen at one port', async () => {
    await using server = await serve('path');
    const other = new PullServer({ epoch: 'e', secret: SECRET, log: {} as never });
    await assert.rejects(other.listen(server.url), { code: 'ERR_IOLITE_CLUSTER' });
    await other.close();
  });

  test('a path is of the host and the scheme that were signed', async () => {
    await using server = await serve('path');
    const fields = signed({ target: 'http://shop.example/a' });
    assert.equal((await server.send(fields, TARGET)).status, 404);
    assert.equal((await server.send(signed(), 'https://other.example/a')).status, 403);
    assert.equal((await server.send(signed(), TARGET)).status, 200);
  });

  test('what is under way when it is closed is cut off', async () => {
    await using server = await serve('path');
    let isAsked = (): void => {};
    const asking = new Promise<void>(resolve => {
      isAsked = resolve;
    });
    server.server.serve('slow', {
      atHand: () => undefined,
      answer: () => {
        isAsked();
        return new Promise(() => {});
      },
      hottest: async () => [],
    });
    const cut = assert.rejects(server.send(signed({ site: 'slow' })), { code: 'ECONNRESET' });
    await watchdog(asking, 'a question');
    await watchdog(server.server.close(), 'the end of the server');
    await watchdog(cut, 'the end of a connection');
  });
});
