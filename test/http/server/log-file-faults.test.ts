import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { LogFile } from '../../../src/http/server/log-file.ts';
import { assertMet, attemptAll, type FaultCell } from '../../support/faults/attempt.ts';
import { underFaults } from '../../support/faults/under-faults.ts';
import { Folder } from '../../support/folder.ts';
import { watchdog } from '../../support/watchdog.ts';

const CELLS: FaultCell[] = [
  ...(['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG', 'EROFS'] as const).map(
    (error): FaultCell => ['write', { path: 'access.log', error }],
  ),
  ['write', { path: 'access.log', error: 'ENOSPC', skip: 1 }],
  ['write', { path: 'access.log', error: 'ENOSPC', times: 1 }],
  ['write', { path: 'access.log', short: 5 }],
  ['write', { path: 'access.log', short: 1 }],
  ['open', { path: 'access.log', error: 'ENOSPC' }],
  ['open', { path: 'access.log', error: 'EMFILE' }],
  ['open', { path: 'access.log', error: 'EROFS' }],
];
const LINES = ['first line', 'second line', 'third line'];

underFaults(import.meta.url, faults => {
  test('a log says how many lines it has lost, and has the others whole', async () => {
    const outcomes = await attemptAll(faults, CELLS, () => {
      const folder = new Folder();
      const path = folder.file('access.log');
      let [lost, outcomes, written] = [0, 0, 0];
      let wake = (): void => {};
      const heard = (entries: number): void => {
        lost += entries;
        outcomes += 1;
        wake();
      };
      let log: LogFile;
      /** Writes a batch, as the server does, and waits for what has become of it. */
      const write = async (text: string, entries: number): Promise<void> => {
        const come = new Promise<void>(resolve => {
          wake = () => log.waiting === 0 && resolve();
        });
        // What is told of comes before it counts as written.
        const done = async (): Promise<void> => {
          while (log.waiting > 0) await new Promise(setImmediate);
        };
        log.write(text, entries);
        await watchdog(Promise.race([come, done()]), 'what becomes of a batch');
        written += entries;
      };
      const operation = async (): Promise<void> => {
        log = new LogFile(path, { written: () => heard(0), failed: heard });
        for (const line of LINES) await write(`${line}\n${line}\n`, 2);
      };
      const end = async (): Promise<void> => {
        await log.close();
        assert.ok(outcomes > 0);
        const found = readFileSync(path, 'utf8').split('\n').slice(0, -1);
        const whole = found.filter(line => LINES.includes(line));
        assert.equal(whole.length, written - lost);
        // What is torn stands in a line of its own.
        for (const line of found)
          assert.ok(
            LINES.some(each => each.startsWith(line)),
            line,
          );
        folder[Symbol.dispose]();
      };
      return { operation, end };
    });
    assertMet(outcomes);
  });
});
