import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { encodedKey, s3PlaceOf } from '../../../../../src/http/proxy/origin/s3/s3-options.ts';
import { S3Signer } from '../../../../../src/http/proxy/origin/s3/s3-signer.ts';
import { createProxy } from '../../../../../src/http/proxy/proxy.ts';
import type { ProxyOptions } from '../../../../../src/http/proxy/proxy-options.ts';
import { createServer as createIoliteServer } from '../../../../../src/http/server/server.ts';

const CREDENTIALS = { accessKeyId: 'KEY', secretAccessKey: 'SECRET' };

type Store = (request: IncomingMessage, response: ServerResponse) => void;

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

function isSigned({ method, url, headers }: IncomingMessage): boolean {
  const form = /Credential=KEY\/(\d+)\/([\w-]+)\/s3\/aws4_request, SignedHeaders=([\w;-]+), Signature=(\w+)$/;
  const [, date = '', region = '', signed = '', signature] = form.exec(headers.authorization ?? '') ?? [];
  const fields = signed.split(';').map(name => `${name}:${headers[name]}\n`);
  const canonical = [method, url, '', fields.join(''), signed, headers['x-amz-content-sha256']].join('\n');
  const scope = `${date}/${region}/s3/aws4_request`;
  const told = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const key = [region, 's3', 'aws4_request'].reduce(hmac, hmac('AWS4SECRET', date));
  return hmac(key, told).toString('hex') === signature && signed.split(';').includes('host');
}

/** A proxy before a store. @returns a client of it */
async function start(context: TestContext, store: Store, s3: ProxyOptions['s3'] = {}) {
  const behind = createServer(store).listen(0, '127.0.0.1');
  await once(behind, 'listening');
  const { port } = behind.address() as AddressInfo;
  const said: string[] = [];
  const proxy = createProxy({
    origin: 's3://bucket/some/prefix',
    s3: { endpoint: `http://127.0.0.1:${port}`, credentials: CREDENTIALS, ...s3 },
    complain: message => said.push(message),
    govern: false,
  });
  const server = createIoliteServer({ handler: proxy });
  await server.listen(0, '127.0.0.1');
  const address = `http://127.0.0.1:${server.address()?.port}`;
  context.after(async () => {
    await server.close();
    await proxy.close();
    behind.closeAllConnections();
    behind.close();
  });
  return { address, said };
}

describe('places in object stores', () => {
  test('are named in the host or in the path, as the environment or options say', () => {
    const of = (url: string, options = {}, env: NodeJS.ProcessEnv = {}) => {
      const { url: place, start } = s3PlaceOf(new URL(url), { credentials: CREDENTIALS, ...options }, env);
      return place + start;
    };
    assert.equal(of('s3://bucket'), 'https://bucket.s3.us-east-1.amazonaws.com');
    assert.equal(
      of('s3://bucket/a b/c/', { region: 'eu-west-3' }),
      'https://bucket.s3.eu-west-3.amazonaws.com/a%20b/c',
    );
    assert.equal(of('s3://my.bucket'), 'https://s3.us-east-1.amazonaws.com/my.bucket');
    const env = { AWS_REGION: 'x', AWS_ENDPOINT_URL_S3: 'http://store:9000/' };
    assert.equal(of('s3://bucket/p', {}, env), 'http://store:9000/bucket/p');
    assert.equal(of('s3://bucket/p', { pathStyle: false }, env), 'http://bucket.store:9000/p');
    const bad = [
      ['s3://b', {}],
      ['s3://bucket?x', {}],
      ['s3://bucket', { endpoint: 'ftp://x' }],
      ['s3://bucket', { credentials: {} }],
      ['s3://bucket', { secret: 1 }],
    ] as const;
    for (const [url, options] of bad) assert.throws(() => of(url, options), { code: 'ERR_IOLITE_ARGUMENT' });
    assert.throws(() => s3PlaceOf(new URL('s3://bucket'), {}, {}), /AWS_ACCESS_KEY_ID/);
  });

  test('have keys of any characters', () => {
    assert.equal(encodedKey("/a b/ü+!(c)'*/%2F%00~"), '/a%20b/%C3%BC%2B%21%28c%29%27%2A/%2F%00~');
    assert.equal(encodedKey('/%zz'), undefined);
  });

  test('are asked by credentials that are renewed before they expire', async () => {
    let asked = 0;
    const credentials = async () => {
      asked += 1;
      return { ...CREDENTIALS, accessKeyId: `KEY${asked}`, expiration: new Date(Date.now() + 1000) };
    };
    const signer = new S3Signer(s3PlaceOf(new URL('s3://bucket'), { credentials, region: 'r' }, {}));
    for (const key of ['KEY1', 'KEY2'])
      assert.match(
        (await signer.sign('GET', '/k')).join('\n'),
        new RegExp(`Credential=${key}/\\d{8}/r/s3/aws4_request`),
      );
  });
});

describe('a proxy before an object store', () => {
  test('asks for keys, and for nothing else', async context => {
    const asked: string[] = [];
    const { address } = await start(context, (request, response) => {
      const { method, url, headers } = request;
      asked.push(`${method} ${url} ${headers.cookie} ${headers.via} ${headers.range}`);
      assert.ok(isSigned(request));
      const fields = { ETag: '"e"', 'Cache-Control': 'max-age=60', 'x-amz-id-2': 'x', Server: 'S3' };
      response.writeHead(200, fields).end('an object');
    });
    const get = (path: string, options = {}) => fetch(`${address}${path}`, options);
    const first = await get('/a%20(b)/?list-type=2', { headers: { Cookie: 'a=b' } });
    assert.equal(await first.text(), 'an object');
    assert.deepEqual([first.headers.get('server') === 'S3', first.headers.get('x-amz-id-2')], [false, null]);
    assert.match((await get('/a%20(b)/?list-type=2')).headers.get('cache-status') ?? '', /hit/);
    assert.equal((await get('/x', { method: 'PUT', body: 'x' })).status, 405);
    assert.equal((await get('/%zz')).status, 400);
    assert.deepEqual(asked, ['GET /bucket/some/prefix/a%20%28b%29/index.html undefined undefined undefined']);
  });

  test('says of refusals what they are for clients', async context => {
    const refusals: Record<string, [number, string]> = {
      none: [404, 'NoSuchKey'],
      hidden: [403, 'AccessDenied'],
      'no-bucket': [404, 'NoSuchBucket'],
      key: [403, 'InvalidAccessKeyId'],
      moved: [301, 'PermanentRedirect'],
      slow: [503, 'SlowDown'],
      broken: [500, 'InternalError'],
    };
    const { address, said } = await start(context, ({ url = '' }, response) => {
      const [status, code] = refusals[url.split('/').at(-1) ?? ''] ?? [200, ''];
      response.writeHead(status).end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
    });
    const statuses = await Promise.all(
      Object.keys(refusals).map(async name => {
        const response = await fetch(`${address}/${name}`);
        assert.equal((await response.text()).includes('Code'), false);
        return response.status;
      }),
    );
    assert.deepEqual(statuses, [404, 404, 502, 502, 502, 503, 502]);
    assert.equal(said.length, 3);
  });

  test('goes by the clock of the store', async context => {
    const times: (string | undefined)[] = [];
    const ahead = new Date(Date.now() + 3_600_000);
    const { address } = await start(context, ({ headers }, response) => {
      const time = headers['x-amz-date'] as string;
      times.push(time);
      const [, hour] = /T(\d\d)/.exec(time) ?? [];
      const isRight = Number(hour) === ahead.getUTCHours();
      response.writeHead(isRight ? 200 : 403, { Date: ahead.toUTCString() });
      response.end(isRight ? 'on time' : '<Code>RequestTimeTooSkewed</Code>');
    });
    assert.equal(await (await fetch(`${address}/k`)).text(), 'on time');
    assert.equal(await (await fetch(`${address}/l`)).text(), 'on time');
    assert.equal(times.length, 3);
  });
});
