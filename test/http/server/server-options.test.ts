import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPool } from '../../../src/aggregate/pool.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { honoStatic } from '../../../src/hono/index.ts';
import { serveStatic } from '../../../src/http/node/serve-static.ts';
import { createProxy } from '../../../src/http/proxy/proxy.ts';
import { createServer } from '../../../src/http/server/server.ts';
import { fetchHandler } from '../../../src/http/site/fetch-handler.ts';
import { connect } from '../../../src/ipc/meet/connect.ts';
import { listen } from '../../../src/ipc/meet/listen.ts';
import { koaStatic } from '../../../src/koa/index.ts';

/** Each with an option that is misspelt, which may be somebody's guard. */
const MISSPELT: Readonly<Record<string, () => unknown>> = {
  createPool: () => createPool({ limt: 5 } as never),
  createFileCache: () => createFileCache({ budgt: 5 } as never),
  listen: () => listen('@test', { acls: { uids: [] } } as never),
  'a channel that is accepted': () => listen('@test', { channel: { maxMesages: 5 } } as never),
  connect: () => connect('@test', { requireSeal: true } as never),
  createServer: () => createServer({ root: '.', limit: {} } as never),
  'the files of a server': () => createServer({ root: '.', site: { dotfile: 'deny' } } as never),
  createProxy: () => createProxy({ origin: 'http://localhost', storeCookie: true } as never),
  serveStatic: () => serveStatic('.', { immutabel: true } as never),
  fetchHandler: () => fetchHandler('.', { symlink: 'deny' } as never),
  koaStatic: () => koaStatic('.', { dotfile: 'deny' } as never),
  honoStatic: () => honoStatic('.', { dotfile: 'deny' } as never),
};

for (const [name, misspelt] of Object.entries(MISSPELT)) {
  test(`an option that nobody knows is refused, and named: ${name}`, async () => {
    await assert.rejects(async () => misspelt(), {
      code: 'ERR_IOLITE_ARGUMENT',
      message: / is unknown; there are /,
    });
  });
}
