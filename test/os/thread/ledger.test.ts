import assert from 'node:assert/strict';
import { once } from 'node:events';
import { fstatSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { closeDescriptor } from '../../../src/os/descriptor.ts';
import { unmapLeft } from '../../../src/os/mapping/mapping.ts';
import { claimMapping, LEDGER_KEY, sharedLedger, takeHoldings } from '../../../src/os/thread/ledger.ts';
import { watchdog } from '../../support/watchdog.ts';

const HOLDER = new URL('../children/ledger-holder.ts', import.meta.url);

const mappedParts = (): number =>
  readFileSync('/proc/self/maps', 'latin1').split('/memfd:ledger ').length - 1;

test('takeHoldings() tells exactly what a thread held when it was terminated, once', async () => {
  const workerData = { [LEDGER_KEY]: sharedLedger() };
  const thread = new Worker(HOLDER, { workerData });
  const { threadId } = thread;
  const [held] = await watchdog(once(thread, 'message'), 'the thread to hold something');
  const { descriptors, mappings, others } = held as ReturnType<typeof takeHoldings> & { others: number };
  assert.equal(mappedParts(), mappings.length + others);
  await thread.terminate();
  assert.equal(mappedParts(), mappings.length);
  for (const fd of descriptors) assert.doesNotThrow(() => fstatSync(fd), 'it is still open');
  const left = takeHoldings(threadId);
  assert.deepEqual(
    [...left.descriptors].sort((a, b) => a - b),
    [...descriptors].sort((a, b) => a - b),
  );
  assert.deepEqual(left.mappings, mappings);
  for (const fd of left.descriptors) closeDescriptor(fd);
  for (const { address, length } of left.mappings) unmapLeft(address, length);
  assert.deepEqual(takeHoldings(threadId), { descriptors: [], mappings: [] });
  assert.equal(mappedParts(), 0);
});

test('the main thread keeps no ledger', () => {
  assert.equal(claimMapping(4096), undefined);
  assert.deepEqual(takeHoldings(0x7fff), { descriptors: [], mappings: [] });
});
