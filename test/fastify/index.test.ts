import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import fastify, { type FastifyInstance } from 'fastify';
import fastifyStatic from '../../src/fastify/index.ts';
import { get, type Reply, writeFiles } from '../http/support/site-server.ts';
import { Folder } from '../support/folder.ts';

/** An application with the plugin, below a prefix and at the root. @returns a client of it */
async function start(
  context: TestContext,
  set: (app: FastifyInstance) => void = () => {},
): Promise<(path: string, headers?: Record<string, string>, method?: string) => Promise<Reply>> {
  const folder = new Folder();
  writeFiles(folder, {
    'index.html': 'home',
    'a.txt': 'text of a',
    'large.bin': Buffer.alloc(500_000, 'x'),
    'sub/index.html': 'sub',
  });
  const app = fastify();
  set(app);
  app.get('/api', async () => ({ of: 'api' }));
  app.register(fastifyStatic, { root: folder.path, prefix: '/static', maxAge: '1h', redirect: true });
  app.register(fastifyStatic, { root: folder.path, redirect: true, decorateReply: false });
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
  context.after(async () => {
    await app.close();
    folder[Symbol.dispose]();
  });
  return (path, headers, method) => get(Number(port), path, headers, method);
}

test('fastifyStatic() serves files below its prefix, and leaves the rest to others', async context => {
  const ask = await start(context);
  for (const [path, status, body] of [
    ['/', 200, 'home'],
    ['/a.txt?q', 200, 'text of a'],
    ['/static/', 200, 'home'],
    ['/static/a.txt', 200, 'text of a'],
    ['/static/sub/', 200, 'sub'],
    ['/static/large.bin', 200, 'x'.repeat(500_000)],
    ['/api', 200, '{"of":"api"}'],
  ] as const) {
    for (let round = 0; round < 2; round++) {
      const answer = await ask(path);
      assert.deepEqual([answer.status, answer.body.toString()], [status, body], path);
    }
  }
  for (const [path, location] of [
    ['/static', '/static/'],
    ['/static/sub', '/static/sub/'],
    ['/sub?q=1', '/sub/?q=1'],
  ] as const) {
    const { status, headers } = await ask(path);
    assert.deepEqual([status, headers.location], [301, location]);
  }
  assert.equal((await ask('/static/a.txt')).headers['cache-control'], 'public, max-age=3600');
  assert.equal((await ask('/a.txt', {}, 'HEAD')).headers['content-length'], '9');
  const part = await ask('/a.txt', { Range: 'bytes=0-3' });
  assert.deepEqual([part.status, part.body.toString()], [206, 'text']);
  const missing = await ask('/static/none');
  assert.deepEqual([missing.status, JSON.parse(missing.body.toString()).error], [404, 'Not Found']);
  assert.equal((await ask('/static/%2e%2e/a.txt')).status, 403);
  assert.equal((await ask('/static/a.txt', {}, 'POST')).status, 404);
});

test("fastifyStatic() gives errors to the application's handler, sends what hooks set", async context => {
  const ask = await start(context, app => {
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('X-Hook', 'was here');
    });
    app.setErrorHandler((error: { statusCode?: number }, _request, reply) =>
      reply.code(error.statusCode ?? 500).send('handled'),
    );
    app.setNotFoundHandler((request, reply) => reply.code(404).send(`nothing at ${request.url}`));
  });
  assert.equal((await ask('/static/a.txt')).headers['x-hook'], 'was here');
  const beyond = await ask('/a.txt', { Range: 'bytes=99-' });
  assert.deepEqual([beyond.status, beyond.body.toString()], [416, 'handled']);
  assert.equal((await ask('/static/none')).body.toString(), 'nothing at /static/none');
});

test('options that guard are obeyed, and those that nobody knows are refused', async context => {
  const folder = new Folder();
  writeFiles(folder, { 'a.txt': 'text of a', 'secret.txt': 'secret', '.env': 'x', 'sub/b.txt': 'b' });
  const { path: root } = folder;
  const app = fastify();
  context.after(async () => {
    await app.close();
    folder[Symbol.dispose]();
  });
  const allowedPath = (path: string): boolean => path !== '/secret.txt';
  const constraints = { host: 'files.example' };
  app.register(fastifyStatic, { root, prefix: '/guarded', allowedPath, dotfiles: 'deny' });
  app.register(fastifyStatic, { root, prefix: '/host', constraints, decorateReply: false });
  app.register(fastifyStatic, { root, prefix: '/of/:who/', list: true, index: false, decorateReply: false });
  app.register(fastifyStatic, {
    root,
    prefix: '/each',
    wildcard: false,
    globIgnore: ['*ecret*'],
    decorateReply: false,
  });
  app.setErrorHandler((error: { statusCode?: number }, _request, reply) =>
    reply.code(error.statusCode ?? 500).send('handled'),
  );
  app.get('/file', (request, reply) => {
    assert.equal(request.originalUrl, '/file');
    return reply.sendFile('a.txt');
  });
  app.get('/download', (_request, reply) => reply.download('a.txt', 'b.txt'));
  for (const [url, status, body] of [
    ['/guarded/a.txt', 200, 'text of a'],
    ['/guarded/secret.txt', 404, undefined],
    ['/guarded/.env', 403, 'handled'],
    ['/host/a.txt', 404, undefined],
    ['/of/me/a.txt', 200, 'text of a'],
    ['/of/me/sub/', 200, '{"dirs":[],"files":["b.txt"]}'],
    ['/each/a.txt', 200, 'text of a'],
    ['/each/secret.txt', 404, undefined],
    ['/file', 200, 'text of a'],
    ['/download', 200, 'text of a'],
  ] as const) {
    const answer = await app.inject(url);
    assert.equal(answer.statusCode, status, url);
    if (body !== undefined) assert.equal(answer.body, body);
  }
  assert.equal(
    (await app.inject({ url: '/host/a.txt', headers: { host: 'files.example' } })).statusCode,
    200,
  );
  assert.equal((await app.inject('/download')).headers['content-disposition'], 'attachment; filename=b.txt');
  const wrong = fastify();
  wrong.register(fastifyStatic, { root, allowPath: () => true } as never);
  await assert.rejects(async () => wrong.ready(), { code: 'ERR_IOLITE_ARGUMENT' });
});

test('several roots, as paths or URLs: the first that has a file gives it', async context => {
  const [first, second] = [new Folder(), new Folder()];
  writeFiles(first, { 'a.txt': 'a of the first', 'sub/index.html': 'sub of the first' });
  writeFiles(second, { 'a.txt': 'a of the second', 'b.txt': 'b of the second' });
  const app = fastify();
  context.after(async () => {
    await app.close();
    first[Symbol.dispose]();
    second[Symbol.dispose]();
  });
  const root = [first.path, pathToFileURL(second.path)];
  app.register(fastifyStatic, { root });
  app.register(fastifyStatic, { root, prefix: '/each/', wildcard: false, decorateReply: false });
  const [url] = root.slice(1);
  app.register(fastifyStatic, { root: url as URL, prefix: '/one/', decorateReply: false });
  app.get('/of-the-second', (_request, reply) => reply.sendFile('a.txt', second.path));
  for (const [path, status, body] of [
    ['/a.txt', 200, 'a of the first'],
    ['/b.txt', 200, 'b of the second'],
    ['/sub/', 200, 'sub of the first'],
    ['/c.txt', 404, undefined],
    ['/each/a.txt', 200, 'a of the first'],
    ['/each/b.txt', 200, 'b of the second'],
    ['/one/a.txt', 200, 'a of the second'],
    ['/one/sub/', 404, undefined],
    ['/of-the-second', 200, 'a of the second'],
  ] as const) {
    const answer = await app.inject(path);
    assert.equal(answer.statusCode, status, path);
    if (body !== undefined) assert.equal(answer.body, body, path);
  }
});

test('serve: false adds no route, but what sends files', async context => {
  const folder = new Folder();
  writeFiles(folder, { 'a.txt': 'text of a' });
  const [app, bare] = [fastify(), fastify()];
  context.after(async () => {
    await app.close();
    await bare.close();
    folder[Symbol.dispose]();
  });
  app.register(fastifyStatic, { root: folder.path, serve: false });
  app.get('/sent', (_request, reply) => reply.sendFile('a.txt'));
  assert.equal((await app.inject('/a.txt')).statusCode, 404);
  assert.equal((await app.inject('/sent')).body, 'text of a');
  // Without a root it has to be said each time.
  bare.register(fastifyStatic, { serve: false });
  bare.get('/sent', (_request, reply) => reply.sendFile('a.txt', folder.path));
  assert.equal((await bare.inject('/sent')).body, 'text of a');
});
