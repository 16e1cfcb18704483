import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { lacks } from '../cli/support/clients.ts';
import { get, Served } from '../cli/support/server.ts';
import { Folder } from '../support/folder.ts';
import { ROOT } from '../support/root.ts';
import { watchdog } from '../support/watchdog.ts';

/** Where Debian has them. */
const CHROMIUM = '/usr/bin/chromium';
const TMUX = '/usr/bin/tmux';
const FREE = '127.0.0.1:0';
const FILES = 400;

function site(): Folder {
  const folder = new Folder();
  mkdirSync(folder.file('pages'));
  for (let i = 0; i < FILES; i++)
    writeFileSync(folder.file(`pages/f${i}.html`), `<p>${i}</p>\n`.repeat(500 + 20 * i));
  return folder;
}

/** Asks for every file, some more often, until it is told to stop. */
class PageLoad implements AsyncDisposable {
  #isOver = false;
  readonly #done: Promise<unknown>;

  constructor(port: number) {
    this.#done = Promise.all([0, 1].map(client => this.#run(port, client)));
  }

  async #run(port: number, client: number): Promise<void> {
    for (let i = client; !this.#isOver; i += 2) {
      const file = i % 3 === 0 ? i % 20 : i % FILES;
      await get(port, `/pages/f${file}.html`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#done;
  }
}

function portOf(served: Served, what: string): number {
  return Number(new RegExp(`^${what}: http://[^/]+:(\\d+)/`, 'm').exec(served.stdout)?.[1]);
}

/** The sum of a metric, of processes in a role. */
async function metricOf(port: number, name: string, labels: RegExp): Promise<number> {
  const text = (await get(port, '/metrics')).body.toString();
  const lines = text.split('\n').filter(line => line.startsWith(`${name}{`) && labels.test(line));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** The figure beside a name in the lists of the page. */
async function figureOf(page: Page, name: string): Promise<number> {
  const text = await page
    .locator('dt', { hasText: new RegExp(`^${name}$`) })
    .locator('+ dd')
    .innerText();
  return Number(text.replaceAll(',', ''));
}

/** Waits until an element, the first of its kind, says something. */
async function until(page: Page, selector: string, text: RegExp | string): Promise<void> {
  const pattern = typeof text === 'string' ? new RegExp(text) : text;
  await page.locator(selector).filter({ hasText: pattern }).first().waitFor();
}

function launch(): Promise<Browser> {
  const options = { executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] };
  return watchdog(chromium.launch(options), 'the browser', 60_000);
}

test('the inspector in a browser: under load, its figures, a file, light and dark, narrow and wide', {
  skip: lacks(CHROMIUM),
}, async () => {
  using folder = site();
  await using served = await Served.start(folder.path, [
    '-w',
    '2',
    '-b',
    '32',
    '--inspect',
    FREE,
    '--metrics',
    FREE,
  ]);
  await using browser = await launch();
  const url = `http://127.0.0.1:${portOf(served, 'Inspector')}/`;
  const complaints: string[] = [];
  const open = async (width: number, height: number, colorScheme: 'light' | 'dark'): Promise<Page> => {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    page.on('console', message => complaints.push(message.text()));
    page.on('pageerror', error => complaints.push(String(error)));
    await page.goto(url);
    return page;
  };
  const page = await open(1440, 900, 'light');
  const grounds: string[] = [];
  {
    await using _load = new PageLoad(served.port);
    // Two looks, and there is a rate.
    await until(page, '#key .value', /^[1-9]/);
    await until(page, '#rate-legend', /2xx [1-9]/);
    for (const [width, height, scheme] of [
      [1440, 900, 'light'],
      [1024, 768, 'dark'],
      [390, 844, 'light'],
      [390, 844, 'dark'],
    ] as const) {
      const other = await open(width, height, scheme);
      await other.waitForSelector('#files tbody tr');
      const over = await other.evaluate('document.documentElement.scrollWidth - innerWidth');
      assert.equal(over, 0, `${width} ${scheme}: it scrolls sideways`);
      grounds.push(String(await other.evaluate('getComputedStyle(document.body).backgroundColor')));
      await other.close();
    }
  }
  assert.equal(grounds[0], grounds[2]);
  assert.equal(grounds[1], grounds[3]);
  assert.notEqual(grounds[0], grounds[1]);

  // Nothing moves any more: what the page says and what Prometheus reads is the same.
  const metrics = portOf(served, 'Metrics');
  const counted = await metricOf(metrics, 'iolite_requests_total', /status="200"/);
  const hits = await metricOf(metrics, 'iolite_cache_hits_total', /role="worker"/);
  await watchdog(
    (async () => {
      while ((await figureOf(page, '200 by lane')) !== counted) await setTimeout(100);
    })(),
    `${counted} answers on the page`,
  );
  assert.equal(await figureOf(page, 'hits'), hits);

  // A file, by the keyboard alone.
  await page.locator('#wanted').focus();
  await page.keyboard.type('F17.HT');
  await until(page, '#matches', `^1 to 1 of 1$`);
  await page.locator('#files button').focus();
  await page.keyboard.press('Enter');
  const dialog = page.locator('dialog[open]');
  await dialog.waitFor();
  const text = await dialog.innerText();
  const { headers } = await get(served.port, '/pages/f17.html');
  assert.ok(text.includes(folder.file('pages/f17.html')) && text.includes(String(headers.etag)), text);
  assert.match(text, /identity\s+.*KiB/);
  assert.ok(text.includes(String(served.pid)), 'who maps it');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('dialog[open]').count(), 0);

  // A page of the list after the other, each file once.
  await page.locator('#wanted').fill('');
  await page.locator('#order').selectOption('path');
  await until(page, '#matches', /^1 to 25 of \d+$/);
  const first = await page.locator('#files tbody').innerText();
  await page.locator('#next').click();
  await until(page, '#matches', /^26 to \d+ of \d+$/);
  assert.notEqual(await page.locator('#files tbody').innerText(), first);

  // Tiles by the keyboard.
  await page.locator('#tiles').focus();
  await page.keyboard.press('ArrowRight');
  assert.match(await page.locator('#tile-text').innerText(), /^Chunk \d+: .* mapped by /);
  assert.deepEqual(complaints, []);
});

test('the inspector asks for its token, and keeps it out of the address', {
  skip: lacks(CHROMIUM),
}, async () => {
  using folder = site();
  const token = 'a-token-of-my-own-1';
  await using served = await Served.start(folder.path, ['-w', '1', '--inspect', FREE], {
    IOLITE_INSPECT_TOKEN: token,
  });
  await using browser = await launch();
  const url = `http://127.0.0.1:${portOf(served, 'Inspector')}/`;
  const asked = await browser.newPage();
  await asked.goto(url);
  await asked.locator('#token').fill(token);
  await asked.keyboard.press('Enter');
  await asked.waitForSelector('#state.live');
  const given = await (await browser.newContext()).newPage();
  await given.goto(`${url}#token=${token}`);
  await given.waitForSelector('#state.live');
  assert.equal(given.url(), url);
});

test('iolite top on the screen of a terminal', { skip: lacks(TMUX) }, async () => {
  using folder = site();
  await using served = await Served.start(folder.path, ['-w', '2', '-b', '8']);
  const socket = folder.file('tmux');
  const tmux = (...args: string[]): string => {
    const { stdout, stderr, status } = spawnSync(TMUX, ['-u', '-S', socket, ...args], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  // All of it at a time: a terminal shows what has come so far, as half of a screen.
  const screen = async (...wanted: RegExp[]): Promise<string> => {
    const over = AbortSignal.timeout(60_000);
    for (let text = ''; ; await setTimeout(50)) {
      if (text !== '' && wanted.every(each => each.test(text))) return text;
      assert.ok(!over.aborted, `${wanted.join(' and ')} are not on the screen:\n${text}`);
      text = tmux('capture-pane', '-p');
    }
  };
  const command = `'${process.execPath}' '${join(ROOT, 'dist/cli/main.js')}' top ${served.pid}`;
  const shell = spawn(
    TMUX,
    ['-S', socket, '-f', '/dev/null', 'new-session', '-d', '-x', '120', '-y', '40', 'sh'],
    {
      env: { ...process.env, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' },
    },
  );
  await once(shell, 'close');
  try {
    tmux('send-keys', "echo be''fore", 'Enter');
    await screen(/\bbefore\b/);
    tmux('send-keys', command, 'Enter');
    await screen(new RegExp(`^primary +${served.pid} `, 'm'));
    {
      await using _load = new PageLoad(served.port);
      await screen(/^requests [1-9][\d,]*\/s/m);
    }
    await screen(/^requests 0\/s/m, /^one copy +█/m, /^process .* RSS +chunks +leased/m, /^q: quit/m);
    tmux('resize-window', '-x', '70', '-y', '20');
    const narrow = await screen(/^process +pid +PSS +heap +late +requests\s*$/m);
    assert.ok(narrow.split('\n').every(line => line.length <= 70));
    tmux('send-keys', 'q');
    // The screen is as it was.
    const after = await screen(/\bbefore\b/);
    assert.doesNotMatch(after, /q: quit/);
  } finally {
    spawnSync(TMUX, ['-S', socket, 'kill-server']);
  }
});
