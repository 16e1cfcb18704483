import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { ended } from '../support/family.ts';
import { watchdog } from '../support/watchdog.ts';
import { Installation, pack } from './support/installation.ts';

const NAME = `field-${randomBytes(8).toString('hex')}`;
const NEXT = 'node_modules/next/dist/bin/next';
const FILES = {
  'next.config.mjs': `
import { fileURLToPath } from 'node:url';
const path = name => fileURLToPath(new URL(name, import.meta.url));
export default {
  cacheComponents: true,
  cacheHandler: path('pages-cache.mjs'),
  cacheHandlers: { default: path('use-cache.mjs') },
  cacheMaxMemorySize: 0,
};`,
  'pages-cache.mjs': `
import { nextCacheHandler, sharedCache } from 'iolite/cache';
export default nextCacheHandler(sharedCache('${NAME}'));`,
  'use-cache.mjs': `
import { sharedCache, useCacheHandler } from 'iolite/cache';
export default useCacheHandler(sharedCache('${NAME}'));`,
  'app/layout.js': `
export default function Layout({ children }) { return <html><body>{children}</body></html>; }`,
  'app/page.js': `
import { cacheTag } from 'next/cache';
export default async function Page() {
  'use cache';
  cacheTag('pages');
  return <p>{\`made \${Math.random()}\`}</p>;
}`,
  'app/value/route.js': `
import { cacheLife, cacheTag } from 'next/cache';
import { connection } from 'next/server';
async function value(name) {
  'use cache';
  cacheTag('values');
  cacheLife('days');
  return \`made \${name} \${Math.random()}\`;
}
export async function GET(request) {
  await connection();
  return new Response(await value(new URL(request.url).searchParams.get('name')));
}`,
  'app/revalidate/route.js': `
import { revalidatePath, revalidateTag } from 'next/cache';
export async function POST(request) {
  const { tag, path } = await request.json();
  if (tag) revalidateTag(tag, { expire: 0 });
  if (path) revalidatePath(path);
  return new Response('done');
}`,
};

const project = new Installation();
const servers: ChildProcess[] = [];
let built = '';
let sites: string[] = [];

/** `next start` on a port of its own. @returns where */
async function start(): Promise<string> {
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: _options, ...env } = process.env;
  const server = spawn(process.execPath, [NEXT, 'start', '-p', '0'], {
    cwd: project.folder,
    env: { ...env, NEXT_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  servers.push(server);
  const lines = createInterface({ input: server.stdout as NodeJS.ReadableStream });
  const site = new Promise<string>(resolve => {
    let url = '';
    lines.on('line', line => {
      url = /Local:\s+(\S+)/.exec(line)?.[1] ?? url;
      if (line.includes('Ready')) resolve(url);
    });
  });
  return watchdog(site, 'next start', 60_000);
}

before(async () => {
  await project.install([pack(project.folder), 'next@16.4.6', 'react@19.2.8', 'react-dom@19.2.8']);
  if (project.unreachable !== undefined) return;
  for (const folder of ['app/value', 'app/revalidate']) mkdirSync(project.file(folder), { recursive: true });
  for (const [name, text] of Object.entries(FILES)) project.write(name, text);
  const { code, stdout, stderr } = await project.node([NEXT, 'build']);
  assert.equal(code, 0, stdout + stderr);
  built = stderr;
  sites = [await start(), await start()];
});

after(async () => {
  for (const server of servers) await ended(server, 'SIGKILL');
  project[Symbol.dispose]();
});

async function made(site: string, path: string): Promise<string> {
  const text = await (await fetch(`${site}${path}`)).text();
  return /made [^<]*/.exec(text)?.[0] ?? assert.fail(text);
}

async function revalidate(site: string, what: object): Promise<void> {
  const done = await fetch(`${site}/revalidate`, { method: 'POST', body: JSON.stringify(what) });
  assert.equal(await done.text(), 'done');
}

/** Next.js answers before it has told its caches: until both have heard of it, and then agree. */
async function changed(path: string, before: string): Promise<string> {
  const all = async (): Promise<string> => {
    for (;;) {
      const found = await Promise.all(sites.map(site => made(site, path)));
      if (!found.includes(before) && new Set(found).size === 1) return found[0] as string;
    }
  };
  return watchdog(all(), `${path} to be made anew`);
}

for (const [what, path, named] of [
  ['what `use cache` keeps', '/value?name=a', { tag: 'values' }],
  ['a page', '/', { tag: 'pages' }],
  ['a page, by its path,', '/', { path: '/' }],
] as const) {
  test(`${what} is made once for two processes of next start, and anew for both`, async context => {
    if (project.unreachable !== undefined) return context.skip(project.unreachable);
    assert.doesNotMatch(built, /IOLITE_HEAP/);
    const [one, two] = sites as [string, string];
    const first = await made(one, path);
    assert.equal(await made(two, path), first);
    await revalidate(two, named);
    const second = await changed(path, first);
    assert.equal(await made(one, path), second);
  });
}

test('what one process has made is found when it is killed', async context => {
  if (project.unreachable !== undefined) return context.skip(project.unreachable);
  const [one, two] = sites as [string, string];
  const value = await made(one, '/value?name=b');
  assert.equal(await made(two, '/value?name=b'), value);
  const [owner] = servers as [ChildProcess];
  const gone = once(owner, 'exit');
  owner.kill('SIGKILL');
  await gone;
  assert.equal(await made(two, '/value?name=b'), value);
});
