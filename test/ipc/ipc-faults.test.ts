import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createPool } from '../../src/aggregate/pool.ts';
import type { Message } from '../../src/ipc/message.ts';
import { ChannelPair } from '../support/channel-pair.ts';
import { assertMet, attemptAll, type FaultCell } from '../support/faults/attempt.ts';
import { underFaults } from '../support/faults/under-faults.ts';
import { holdingsReturnTo, settledHoldings } from '../support/holdings.ts';
import { watchdog } from '../support/watchdog.ts';

const KiB = 1024;
const ROUNDS = 3;

/** Once, and so often that whoever tries again at once does not get away with it. */
const OFTEN = [1, 5];
const CELLS: FaultCell[] = OFTEN.flatMap(times => [
  ...[0, 1, 2, 3, 4].flatMap((skip): FaultCell[] => [
    ['lock', { path: 'memfd:iolite', error: 'ENOLCK', skip, times }],
    ['open', { path: '/proc/self/fd', error: 'EMFILE', skip, times }],
    ['open', { path: '/proc/self/fd', error: 'ENFILE', skip, times }],
    ['mmap', { path: 'memfd:iolite', error: 'ENOMEM', skip, times }],
    ['recvmsg', { error: 'EINTR', skip, times }],
    ['recvmsg', { error: 'ENOMEM', skip, times }],
    ['recvmsg', { error: 'ENOBUFS', skip, times }],
  ]),
  ...(['ENOBUFS', 'ENOMEM', 'ETOOMANYREFS', 'EAGAIN', 'EINTR'] as const).flatMap((error): FaultCell[] => [
    ['sendrights', { error, times }],
    ['sendmsg', { error, times }],
  ]),
  ['sendmsg', { short: 7 }],
  ['recv', { short: 1 }],
  ['recv', { error: 'EINTR', times }],
  ['read', { path: 'socket:', short: 3 }],
  ['read', { path: 'socket:', error: 'EINTR', times }],
]);

underFaults(import.meta.url, faults => {
  test('buffers between domains: a send fails, or what was sent comes, and the channel goes on', async () => {
    const held = await settledHoldings();
    const outcomes = await attemptAll(faults, CELLS, () => {
      const pair = new ChannelPair();
      const pool = createPool({ chunkSize: 64 * KiB });
      const came = pair.far[Symbol.asyncIterator]();
      const operation = async (): Promise<void> => {
        for (let round = 0; round < ROUNDS; round++) {
          const content = Buffer.alloc(40 * KiB, round);
          using sent = pool.from(content);
          await watchdog(pair.near.send({ body: sent }), 'a send to end');
          const { value } = await watchdog(came.next(), 'a message');
          using body = (value as Message).body;
          assert.ok(body?.toBuffer().equals(content));
          await setImmediate();
        }
      };
      const end = (): void => {
        pair[Symbol.dispose]();
        pool.close();
      };
      return { operation, end };
    });
    await holdingsReturnTo(held);
    assertMet(outcomes);
  });
});
