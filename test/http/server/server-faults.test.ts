import assert from 'node:assert/strict';
import { utimesSync } from 'node:fs';
import { test } from 'node:test';
import { createServer } from '../../../src/http/server/server.ts';
import { assertMet, attemptAll, type FaultCell } from '../../support/faults/attempt.ts';
import { underFaults } from '../../support/faults/under-faults.ts';
import { Folder } from '../../support/folder.ts';
import { holdingsReturnTo, settledHoldings } from '../../support/holdings.ts';
import { watchdog } from '../../support/watchdog.ts';
import { get, writeFiles } from '../support/site-server.ts';

const FILES = { 'small.txt': 'small, '.repeat(1000), 'large.bin': Buffer.alloc(3 * 1024 ** 2, 'large') };
const EARLIER = new Date(Date.now() - 60_000);
/** What a server may say that cannot read a file just now. */
const UNABLE = [500, 503];

const CELLS: FaultCell[] = [
  ['accept', { error: 'EMFILE', times: 1 }],
  ['accept', { error: 'EMFILE', times: 4 }],
  ['accept', { error: 'ENOMEM', times: 2 }],
  ['open', { path: 'iolite-test', error: 'EMFILE' }],
  ['read', { path: 'iolite-test', error: 'EIO' }],
  ['stat', { path: 'iolite-test', error: 'EIO' }],
  ['memfd_create', { path: 'iolite', error: 'EMFILE' }],
  ['mmap', { path: 'memfd:iolite', error: 'ENOMEM' }],
  ['sendmsg', { path: 'socket:', error: 'ENOBUFS', times: 2 }],
  ['sendmsg', { path: 'socket:', short: 100 }],
  ['sendfile', { path: 'socket:', error: 'EIO' }],
  ['sendfile', { path: 'socket:', short: 100_000 }],
];

underFaults(import.meta.url, faults => {
  test('a server answers rightly, or says that it cannot, and goes on', async () => {
    const held = await settledHoldings();
    const outcomes = await attemptAll(faults, CELLS, async () => {
      const folder = new Folder();
      writeFiles(folder, FILES);
      for (const name of Object.keys(FILES)) utimesSync(folder.file(name), EARLIER, EARLIER);
      const server = createServer({ root: folder.path });
      await server.listen(0, '127.0.0.1');
      const port = server.address()?.port as number;
      let statuses: number[] = [];
      const operation = async (): Promise<void> => {
        statuses = [];
        for (const [name, content] of Object.entries(FILES)) {
          const { status, body } = await watchdog(get(port, `/${name}`), `an answer for ${name}`);
          statuses.push(status);
          if (status === 200) assert.ok(body.equals(Buffer.from(content)), `${name} has other bytes`);
          else assert.ok(UNABLE.includes(status), `the answer is ${status}`);
        }
      };
      const end = async (): Promise<void> => {
        await operation();
        assert.deepEqual(statuses, [200, 200]);
        await server.close();
        folder[Symbol.dispose]();
      };
      return { operation, end };
    });
    await holdingsReturnTo(held);
    assertMet(outcomes);
  });
});
