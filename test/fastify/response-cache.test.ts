import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fastify from 'fastify';
import { sharedCache } from '../../src/cache/shared-cache.ts';
import { responseCache } from '../../src/fastify/response-cache.ts';

test('responseCache keeps what routes answer, and leaves what is for one alone', async context => {
  const cache = sharedCache(`test-${randomBytes(8).toString('hex')}`, { govern: false });
  const app = fastify();
  context.after(async () => {
    await app.close();
    await cache.close();
  });
  app.register(responseCache, { cache, tags: () => ['routes'] });
  let times = 0;
  app.addHook('onSend', async (_request, reply) => void reply.header('X-Hook', 'sent'));
  app.get('/json', async (_request, reply) => {
    reply.header('Cache-Control', 'max-age=60');
    return { times: ++times };
  });
  app.get('/stream', (_request, reply) => {
    times += 1;
    return reply.header('Cache-Control', 'max-age=60').send(new Blob([`streamed ${times}`]).stream());
  });
  app.get('/plain', async () => ({ times: ++times }));
  app.post('/json', async () => 'changed');
  const site = await app.listen({ port: 0, host: '127.0.0.1' });
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`${site}${path}`, { method });
    return `${response.headers.get('X-Hook')} ${await response.text()}`;
  };
  for (let again = 0; again < 2; again++) {
    assert.equal(await ask('/json'), 'sent {"times":1}');
    assert.equal(await ask('/stream'), 'sent streamed 2');
  }
  assert.equal(await ask('/plain'), 'sent {"times":3}');
  assert.equal(await ask('/plain'), 'sent {"times":4}');
  await cache.invalidate({ tags: ['routes'] });
  assert.equal(await ask('/json'), 'sent {"times":5}');
  await ask('/json', 'POST');
  while ((await ask('/json')) === 'sent {"times":5}');
});
