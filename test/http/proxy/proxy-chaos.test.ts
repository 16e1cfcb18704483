import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { holdingsReturnTo, settledHoldings } from '../../support/holdings.ts';
import { watchdog } from '../../support/watchdog.ts';
import { Harness } from './support/harness.ts';

const REQUESTS = 600;
const AT_ONCE = 20;
const PATHS = 12;
const CONTROLS = ['max-age=60', 'max-age=0', 'no-store', 'max-age=0, stale-while-revalidate=60', 'no-cache'];

/** Content that says what it is of, and proves to be whole. */
function contentOf(path: string, version: number): string {
  const filler = `${path} ${version} `.repeat(1 + ((version * 7919) % 20_000));
  return `${createHash('sha256').update(filler).digest('hex')} ${filler}`;
}

function check(path: string, content: string): void {
  const filler = content.slice(65);
  assert.equal(content.slice(0, 64), createHash('sha256').update(filler).digest('hex'));
  assert.ok(filler.startsWith(`${path} `));
}

/** Answers as it likes: whole, in pieces, not modified, with an error, or not to the end. */
async function respond(asked: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = asked.url as string;
  const version = Math.floor(Math.random() * 3);
  const content = contentOf(path, version);
  const headers: Record<string, string> = {
    'Cache-Control': CONTROLS[Math.floor(Math.random() * CONTROLS.length)] as string,
    ETag: `"${version}"`,
    ...(Math.random() < 0.3 ? { Vary: 'X-Kind' } : {}),
  };
  const fate = Math.random();
  if (asked.headers['if-none-match'] !== undefined && fate < 0.5) {
    response.writeHead(304, { ...headers, ETag: asked.headers['if-none-match'] }).end();
    return;
  }
  if (fate < 0.1) {
    response.writeHead(503).end('failing');
    return;
  }
  if (Math.random() < 0.5) headers['Content-Length'] = String(Buffer.byteLength(content));
  response.writeHead(200, headers);
  response.write(content.slice(0, content.length / 2));
  await new Promise(setImmediate);
  if (fate < 0.2) response.destroy();
  else response.end(content.slice(content.length / 2));
}

/** Asks, and perhaps leaves in the middle. @returns whether a whole response came */
async function ask(url: string): Promise<boolean> {
  const path = `/${Math.floor(Math.random() * PATHS)}`;
  const outgoing = request(url + path, { headers: { 'X-Kind': `${Math.floor(Math.random() * 2)}` } });
  outgoing.on('error', () => {});
  outgoing.end();
  try {
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    let text = '';
    for await (const piece of incoming) {
      text += piece;
      if (Math.random() < 0.05) outgoing.destroy();
    }
    if (incoming.statusCode !== 200) return false;
    check(path, text);
    return true;
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return false;
  }
}

test('whatever origin and clients do, what comes whole is right, and nothing is left behind', async () => {
  const before = await settledHoldings();
  {
    await using harness = await Harness.start(respond, { budget: 1024 ** 2 });
    let left = REQUESTS;
    let whole = 0;
    const client = async () => {
      while (left-- > 0) if (await watchdog(ask(harness.url), 'a response or its failure')) whole += 1;
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));
    assert.ok(whole > REQUESTS / 3, `${whole} responses came whole`);
  }
  await holdingsReturnTo(before);
});
