import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forkWorker } from '../../../src/ipc/meet/fork-worker.ts';
import { Program } from '../../support/program.ts';

test('workers of a cluster have channels to their primary', async () => {
  await using primary = new Program(new URL('../children/cluster.ts', import.meta.url));
  const answer = (number: number): object => ({
    head: { number: String(number), length: 1024 ** 2, ownEndpoint: true, parentIsPrimary: true },
    own: `worker ${number}`,
    peerIsWorker: true,
  });
  assert.deepEqual(await primary.line(), [1, 2, 3].map(answer));
  assert.equal(await primary.line(), 1, 'one copy for all');
  assert.equal(await primary.line(), 'ERR_IOLITE_PEER');
  assert.deepEqual(await primary.line(), [0, 0]);
  const [code, message] = (await primary.line()) as [string, string];
  assert.equal(code, 'ERR_IOLITE_PEER');
  assert.match(message, /^The worker \(.*cluster\.js\) exited with code 9 before it took up its channel$/);
});

test('forkWorker() ends with its signal', async () => {
  const signal = AbortSignal.abort(new Error('no longer'));
  await assert.rejects(forkWorker({ signal }), { message: 'no longer' });
});
