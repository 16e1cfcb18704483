import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type SharedCache, sharedCache } from '../../src/cache/shared-cache.ts';
import { assertMet, attemptAll, type FaultCell } from '../support/faults/attempt.ts';
import { underFaults } from '../support/faults/under-faults.ts';
import { holdingsReturnTo, settledHoldings } from '../support/holdings.ts';
import { watchdog } from '../support/watchdog.ts';

/** Of the folder that the processes of a user share. */
const FOLDER = 'iolite';
const CELLS: FaultCell[] = [
  ...(['EACCES', 'EMFILE', 'EIO'] as const).flatMap((error): FaultCell[] => [
    ['open', { path: FOLDER, error }],
    ['open', { path: FOLDER, error, times: 1 }],
  ]),
  ...(['EACCES', 'ENOSPC', 'EROFS', 'EIO'] as const).flatMap((error): FaultCell[] => [
    ['bind', { path: 'socket:', error, times: 1 }],
    ['bind', { path: 'socket:', error }],
    ['open', { path: '.end', error }],
    ['write', { path: '.end', error }],
  ]),
  ['connect', { path: 'socket:', error: 'EACCES', times: 1 }],
  ['connect', { path: 'socket:', error: 'ENOMEM', times: 1, skip: 1 }],
  ['connect', { path: 'socket:', error: 'ECONNREFUSED', times: 1, skip: 1 }],
  ['connect', { path: 'socket:', error: 'EAGAIN', times: 3 }],
  ['socket', { error: 'EMFILE', times: 1 }],
  ['socket', { error: 'EMFILE', times: 1, skip: 1 }],
  ['socket', { error: 'ENOBUFS' }],
  ['accept', { error: 'EMFILE', times: 1 }],
  ['accept', { error: 'ENFILE', times: 2, skip: 1 }],
  ['memfd_create', { path: 'iolite', error: 'ENOSPC' }],
  ['mmap', { path: 'memfd:iolite', error: 'ENOMEM', times: 1 }],
  ['sendrights', { error: 'ETOOMANYREFS', times: 2 }],
  ['recvmsg', { path: 'socket:', error: 'EMFILE', times: 2 }],
];

underFaults(import.meta.url, faults => {
  test('a shared cache is joined, used and left where its folder fails, or says why not', async () => {
    const held = await settledHoldings();
    const outcomes = await attemptAll(faults, CELLS, () => {
      const name = `test-${randomBytes(8).toString('hex')}`;
      const live = async (): Promise<void> => {
        const members: SharedCache[] = [];
        try {
          for (const value of ['first', 'second']) {
            const member = sharedCache(name, { govern: false, maxStale: 100 });
            members.push(member);
            await watchdog(member.ready(), 'a cache to have an owner');
            await watchdog(member.set('key', value), 'a value to be set');
            for (const each of members)
              assert.ok([value, undefined].includes((await each.get('key')) as string | undefined));
          }
        } finally {
          for (const each of members.reverse()) await watchdog(each.close(), 'a member to leave');
        }
      };
      // The second time it finds what the first has left.
      const operation = async (): Promise<void> => {
        await live();
        await live();
      };
      return { operation };
    });
    await holdingsReturnTo(held);
    assertMet(outcomes);
  });
});
