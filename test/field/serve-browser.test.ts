import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { chromium, type Page } from 'playwright-core';
import { lacks } from '../cli/support/clients.ts';
import { Served } from '../cli/support/server.ts';
import { Folder } from '../support/folder.ts';
import { watchdog } from '../support/watchdog.ts';

/** Where Debian has it. */
const CHROMIUM = '/usr/bin/chromium';

const PAGE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>app</title>
<link rel="icon" href="/assets/icon-1a2b3c4d.svg">
<link rel="stylesheet" href="/assets/index-1a2b3c4d.css">
<script type="module" src="/assets/index-1a2b3c4d.js"></script></head>
<body><p id="at">nowhere</p></body></html>`;
const SCRIPT = `import { answer } from './lazy-5e6f7a8b.js';
await navigator.serviceWorker.register('/sw.js');
await navigator.serviceWorker.ready;
const events = new EventSource('/api/events');
const event = await new Promise(resolve => { events.onmessage = ({ data }) => resolve(data); });
events.close();
const api = await (await fetch('/api/who')).text();
document.querySelector('#at').textContent = [location.pathname, await answer(), event, api].join(' ');
document.body.dataset.done = 'yes';
`;
const LAZY = `export const answer = async () => (await import('./deep-9c0d1e2f.js')).default;
`;
const WORKER = `self.addEventListener('install', event => {
  event.waitUntil(caches.open('v1').then(cache => cache.addAll(['/', '/assets/index-1a2b3c4d.css'])));
});
`;

/** What a bundler makes of an application of one page. */
function dist(folder: Folder, origin: string): void {
  mkdirSync(folder.file('dist/assets'), { recursive: true });
  for (const [name, text] of [
    ['index.html', PAGE],
    ['sw.js', WORKER],
    ['assets/index-1a2b3c4d.js', SCRIPT],
    ['assets/lazy-5e6f7a8b.js', LAZY],
    ['assets/deep-9c0d1e2f.js', 'export default 42;\n'],
    [
      'assets/index-1a2b3c4d.css',
      'body { color: rgb(1, 2, 3); background: url("/assets/icon-1a2b3c4d.svg"); }',
    ],
    ['assets/icon-1a2b3c4d.svg', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'],
  ] as const) {
    writeFileSync(folder.file(`dist/${name}`), text);
  }
  // As docs/server.md has it.
  const rules = [
    { match: '/assets/**', immutable: true },
    { match: '/index.html', cacheControl: 'no-cache' },
    { match: '/api/', origin },
  ];
  writeFileSync(
    folder.file('site.json'),
    JSON.stringify({ root: 'dist', site: { fallback: 'index.html' }, rules }),
  );
}

/** All that a page complains of. */
function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', error => complaints.push(String(error)));
  // An event stream that the page has closed is one, too.
  page.on('requestfailed', request => {
    const { errorText } = request.failure() ?? {};
    if (!request.url().endsWith('/events')) complaints.push(`${request.url()}: ${errorText}`);
  });
  page.on('response', answer => {
    if (answer.status() >= 400) complaints.push(`${answer.url()}: ${answer.status()}`);
  });
  return complaints;
}

/** What a page says once it is done, and the Cache-Control of each path. */
async function visit(page: Page, url: string): Promise<{ text: string; said: Map<string, string> }> {
  const said = new Map<string, string>();
  page.on('response', answer => {
    said.set(new URL(answer.url()).pathname, answer.headers()['cache-control'] ?? '');
  });
  await page.goto(url);
  await page.waitForSelector('body[data-done=yes]');
  assert.equal(await page.evaluate('getComputedStyle(document.body).color'), 'rgb(1, 2, 3)');
  return { text: await page.locator('#at').innerText(), said };
}

test('a browser: an application of one page, its deep links, modules, a service worker, and an API behind', {
  skip: lacks(CHROMIUM),
}, async () => {
  using folder = new Folder();
  const behind = createServer((request, response) => {
    if (request.url === '/api/events') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: event\n\n');
    } else response.end(`asked for ${request.url}`);
  });
  await once(behind.listen(0, '127.0.0.1'), 'listening');
  try {
    dist(folder, `http://127.0.0.1:${(behind.address() as AddressInfo).port}`);
    await using served = await Served.startWith(['-w', '2', '--config', folder.file('site.json')]);
    const options = { executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] };
    await using browser = await watchdog(chromium.launch(options), 'the browser', 60_000);
    for (const path of ['/', '/users/7', '/users/7/edit?tab=1']) {
      const page = await (await browser.newContext()).newPage();
      const complaints = complaintsOf(page);
      const { text, said } = await visit(page, `http://127.0.0.1:${served.port}${path}`);
      const [name = ''] = path.split('?');
      assert.equal(text, `${name} 42 event asked for /api/who`);
      assert.equal(said.get(name), 'no-cache');
      assert.equal(said.get('/assets/deep-9c0d1e2f.js'), 'public, max-age=31536000, immutable');
      await page.reload();
      await page.waitForSelector('body[data-done=yes]');
      assert.deepEqual(complaints, []);
    }
  } finally {
    behind.closeAllConnections();
    behind.close();
  }
});
