import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { createServer, type Server } from '../../src/http/server/server.ts';
import { ended } from '../support/family.ts';
import { watchdog } from '../support/watchdog.ts';
import { Installation } from './support/installation.ts';

/** A store that knows the keys S3RVER, with two objects that it was given by the AWS SDK. */
const STORE = `
import { mkdirSync } from 'node:fs';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import S3rver from 's3rver';
mkdirSync('data');
const server = new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory: 'data' });
const { port } = await server.run();
const endpoint = \`http://127.0.0.1:\${port}\`;
const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
const Bucket = 'bucket';
await client.send(new CreateBucketCommand({ Bucket }));
const said = { CacheControl: 'max-age=60', ContentType: 'text/plain' };
const put = (Key, Body) => client.send(new PutObjectCommand({ Bucket, Key, Body, ...said }));
await put("site/a b+ü(1)'.txt", '0123456789');
await put('site/index.html', 'home');
console.log(endpoint);
`;

const project = new Installation();
let store: ChildProcess | undefined;
let server: Server | undefined;
let site = '';
let endpoint = '';

async function serve(accessKeyId: string): Promise<[Server, string]> {
  const credentials = { accessKeyId, secretAccessKey: 'S3RVER' };
  const s3 = { endpoint, credentials, region: 'us-east-1' };
  const made = createServer({ origin: { origin: 's3://bucket/site', s3, complain: () => {} } });
  await made.listen(0, '127.0.0.1');
  return [made, `http://127.0.0.1:${made.address()?.port}`];
}

before(async () => {
  await project.install(['s3rver@3.7.1', '@aws-sdk/client-s3@3.750.0']);
  if (project.unreachable !== undefined) return;
  project.write('store.mjs', STORE);
  store = spawn(process.execPath, ['store.mjs'], {
    cwd: project.folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: store.stdout as NodeJS.ReadableStream });
  const { value } = await watchdog(lines[Symbol.asyncIterator]().next(), 'an object store', 60_000);
  endpoint = value;
  [server, site] = await serve('S3RVER');
});

after(async () => {
  await server?.close();
  if (store !== undefined) await ended(store, 'SIGKILL');
  project[Symbol.dispose]();
});

test('a proxy serves a bucket: keys of any characters, ranges, conditions, from its cache', async context => {
  if (project.unreachable !== undefined) return context.skip(project.unreachable);
  const path = `${site}/a%20b+%C3%BC(1)'.txt`;
  const part = await fetch(path, { headers: { Range: 'bytes=2-4' } });
  assert.deepEqual([part.status, await part.text()], [206, '234']);
  const whole = await fetch(path);
  assert.deepEqual([whole.status, await whole.text()], [200, '0123456789']);
  assert.equal(whole.headers.get('content-type'), 'text/plain');
  const again = await fetch(path, { headers: { 'If-None-Match': whole.headers.get('etag') ?? '' } });
  assert.equal(again.status, 304);
  assert.equal(await (await fetch(`${site}/`)).text(), 'home');
  assert.equal((await fetch(`${site}/none`)).status, 404);
  assert.equal((await fetch(path, { method: 'HEAD' })).headers.get('content-length'), '10');
});

test("a key that is wrong is not the client's fault", async context => {
  if (project.unreachable !== undefined) return context.skip(project.unreachable);
  const [other, its] = await serve('WRONG');
  assert.equal((await fetch(`${its}/index.html`)).status, 502);
  await other.close();
});
