import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { lacks } from '../cli/support/clients.ts';
import { Served } from '../cli/support/server.ts';
import { Folder } from '../support/folder.ts';
import { watchdog } from '../support/watchdog.ts';

/** Where Debian has it. */
const CHROMIUM = '/usr/bin/chromium';
/** How often each page is loaded: IOLITE_TEST_REPEATS says how often it is to be. */
const REPEATS = Number(process.env.IOLITE_TEST_REPEATS ?? 1);
const PAGES = [
  { files: 60, bytes: 1024 ** 2 },
  { files: 90, bytes: 256 * 1024 },
  { files: 30, bytes: 3 * 1024 ** 2 },
];
/** Tells how many bytes came of each file, or what failed. */
const SCRIPT = `const { files, bytes } = document.body.dataset;
const came = await Promise.all(Array.from({ length: Number(files) }, async (_, index) => {
  try {
    const answer = await fetch('/' + bytes + '.bin?' + index, { cache: 'no-store' });
    return answer.ok ? (await answer.arrayBuffer()).byteLength : answer.status;
  } catch (error) {
    return String(error);
  }
}));
document.body.dataset.came = JSON.stringify(came);
`;

function siteIn(folder: Folder): string {
  mkdirSync(folder.file('site'));
  writeFileSync(folder.file('site/page.js'), SCRIPT);
  for (const { files, bytes } of PAGES) {
    const data = `data-files="${files}" data-bytes="${bytes}"`;
    const page = `<!doctype html><title>page</title><link rel="icon" href="data:,">
<body ${data}><script type="module" src="/page.js"></script></body>`;
    writeFileSync(folder.file(`site/page-${bytes}.html`), page);
    writeFileSync(folder.file(`site/${bytes}.bin`), Buffer.alloc(bytes, `${bytes} bytes `));
  }
  return folder.file('site');
}

test('a browser: pages of many large files over HTTP/2 arrive whole', { skip: lacks(CHROMIUM) }, async () => {
  using folder = new Folder();
  await using served = await Served.start(siteIn(folder), ['-w', '1', '--tls-self-signed']);
  const options = { executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] };
  await using browser = await watchdog(chromium.launch(options), 'the browser', 60_000);
  for (let left = REPEATS; left > 0; left--) {
    for (const { files, bytes } of PAGES) {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      const page = await context.newPage();
      await page.goto(`https://127.0.0.1:${served.port}/page-${bytes}.html`);
      await page.waitForSelector('body[data-came]', { state: 'attached', timeout: 60_000 });
      const { came, protocol } = (await page.evaluate(`({
        came: JSON.parse(document.body.dataset.came),
        protocol: performance.getEntriesByType('navigation')[0].nextHopProtocol,
      })`)) as { came: unknown[]; protocol: string };
      assert.equal(protocol, 'h2');
      assert.deepEqual(came, new Array(files).fill(bytes), `${files} files of ${bytes} bytes`);
      await context.close();
    }
  }
});

test('h2load: files of 3 MB without an error', { skip: lacks('h2load') }, async () => {
  using folder = new Folder();
  await using served = await Served.start(siteIn(folder), ['-w', '1', '--tls-self-signed']);
  const url = `https://127.0.0.1:${served.port}/${3 * 1024 ** 2}.bin`;
  const said = execFileSync('h2load', ['-n', '200', '-c', '4', '-m', '32', url]).toString();
  assert.match(said, /200 succeeded, 0 failed, 0 errored, 0 timeout/);
});
