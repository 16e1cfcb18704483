import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { AppRequest } from '../../../../src/http/app/app-side/app-request.ts';
import { loadApp } from '../../../../src/http/app/app-side/load-app.ts';
import { Folder } from '../../../support/folder.ts';

let modules = 0;

/** Loads a module with this default export. */
function load(folder: Folder, app: string, byUrl = false) {
  const path = folder.file(`app ${modules++}.mjs`);
  writeFileSync(path, app);
  return loadApp(byUrl ? pathToFileURL(path).href : path);
}

test('an application is a function, or has a fetch(); by a path or a URL', async () => {
  using folder = new Folder();
  for (const byUrl of [false, true]) {
    const handler = await load(folder, "export default () => ({ body: 'hello' });", byUrl);
    assert.deepEqual(await handler({} as AppRequest), { body: 'hello' });
  }
  const fetching = await load(folder, 'export default { fetch: () => new Response(null, { status: 204 }) };');
  const request = { method: 'GET', target: '/', secure: false, rawHeaders: [], header: () => undefined };
  const { status } = await fetching(request as unknown as AppRequest);
  assert.equal(status, 204);
});

test('what is no application is refused, with what it exports', async () => {
  using folder = new Folder();
  for (const [app, given] of [
    ['', 'undefined'],
    ['export default 7;', '7'],
    ['export default { fetch: 7 };', ''],
    ['export const app = () => {};', 'undefined'],
  ] as const) {
    await assert.rejects(load(folder, app), {
      code: 'ERR_IOLITE_ARGUMENT',
      message: new RegExp(
        `^Cannot run .*app \\d+\\.mjs: a function or an object with fetch\\(\\) .*${given}`,
      ),
    });
  }
  await assert.rejects(load(folder, "throw new Error('on its way')"), { message: 'on its way' });
  await assert.rejects(loadApp(folder.file('none.mjs')), { code: 'ERR_MODULE_NOT_FOUND' });
});
