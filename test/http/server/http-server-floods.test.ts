import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { get } from '../support/site-server.ts';
import { WatchedSite } from '../support/watched-site.ts';

/** Makes node:http answer. */
const NODE = 'X-Unknown: 1\r\n';

let site: WatchedSite;
before(async () => {
  site = new WatchedSite();
  await site.start();
});
after(() => site[Symbol.asyncDispose]());

const request = (path: string, fields = '', method = 'GET'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

/** The same by several clients at once. @param answers that each of them gets, by their status */
function several(count: number, pieces: Iterable<string>, answers: Record<string, number>): Promise<unknown> {
  const total = Object.values(answers).reduce((sum, each) => sum + each, 0);
  const one = async (): Promise<void> => assert.deepEqual(await site.send(pieces, total), answers);
  return Promise.all(Array.from({ length: count }, one));
}

const list = (part: string): string =>
  Array(Math.floor(7000 / (part.length + 1)))
    .fill(part)
    .join(',');

for (const [way, fields] of [
  ['the fast lane', ''],
  ['node:http', NODE],
] as const) {
  test(`requests in single bytes do not stop the loop (${way})`, async () => {
    const one = request('/file', fields);
    await site.withstand('bytes', () => several(20, one.repeat(5), { 200: 5 }));
  });

  test(`nor do long pipelines (${way})`, async () => {
    const one = request('/file', fields);
    await site.withstand('files', () => several(4, [one.repeat(10_000)], { 200: 10_000 }));
    const other = request('/origin/kept', fields);
    await site.withstand('responses', () => several(4, [other.repeat(1000)], { 200: 1000 }));
    const posted = request('/origin/posted', `${fields}Content-Length: 0\r\n`, 'POST');
    await site.withstand('posts', () => several(4, [posted.repeat(500)], { 200: 500 }));
  });

  test(`nor do fields that take long to read (${way})`, async () => {
    for (const [name, field, status] of [
      ['ranges', `Range: bytes=${list('0-0')}`, 200],
      ['codings', `Accept-Encoding: ${list('gzip;q=0.001')}`, 200],
      ['tags', `If-None-Match: ${list('"a"')}`, 200],
      ['weak tags', `If-None-Match: ${list('W/"a"')}`, 200],
      ['conditions', `If-Match: ${list('W/"a"')}`, 412],
      ['commas', `Cache-Control: ${','.repeat(7000)}`, 200],
      ['spaces', `Accept-Encoding: a${' '.repeat(7000)}b`, 200],
      ['percents', `Referer: ${'%'.repeat(7000)}`, 200],
    ] as const) {
      const asked = request('/file', `${field}\r\n${fields}`);
      await site.withstand(name, () => several(4, [asked.repeat(200)], { [status]: 200 }));
    }
    for (const [path, status] of [
      ['/%2e%2e'.repeat(1000), 200],
      ['/'.repeat(7000), 200],
      ['/a'.repeat(3500), 200],
      [`/file?${'&a=b'.repeat(1700)}`, 200],
    ] as const) {
      const asked = request(path, fields);
      await site.withstand(path.slice(0, 8), () => several(4, [asked.repeat(100)], { [status]: 100 }));
    }
  });
}

test('nor do origins that answer in single bytes, with endless fields, or unasked', async () => {
  const head = 'HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n';
  const chunks = `${'1\r\nx\r\n'.repeat(100_000)}0\r\n\r\n`;
  const answers: Record<string, string[]> = {
    bytes: [...`${head}Content-Length: 500\r\n\r\n${'x'.repeat(500)}`],
    chunks: [`${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`],
    'chunks that are not stored': [`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`],
    varies: [`${head}Vary: ${Array.from({ length: 2000 }, (_, i) => `a${i}`)}\r\nContent-Length: 0\r\n\r\n`],
    commas: [`${head}Cache-Control: ${','.repeat(14_000)}\r\nContent-Length: 0\r\n\r\n`],
    groups: [`${head}Cache-Groups: ${'"a", '.repeat(2800)}"b"\r\nContent-Length: 0\r\n\r\n`],
    fields: [`${head}${'A: b\r\n'.repeat(2300)}Content-Length: 0\r\n\r\n`],
    interim: ['HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(10_000), `${head}\r\n`],
    answers: [`${head}Content-Length: 0\r\n\r\n`.repeat(10_000)],
    garbage: ['\0'.repeat(1_000_000)],
  };
  let asked = 0;
  for (const [name, pieces] of Object.entries(answers)) {
    site.respond = async (socket: Socket) => {
      for (const piece of pieces) {
        if (socket.destroyed) return;
        await new Promise(resolve => socket.write(piece, 'latin1', resolve));
      }
      socket.end();
    };
    const ask = (): Promise<unknown> => {
      asked += 1;
      return get(site.port, `/origin/${name.replaceAll(' ', '-')}/${asked}`).catch(() => {});
    };
    await site.withstand(name, () => Promise.all(Array.from({ length: 8 }, ask)));
  }
});
