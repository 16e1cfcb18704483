import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { placeOf } from '../../../src/os/thread/termination.ts';

/** Ends workers in the milliseconds in which koffi loads: without gates one of them aborts it all. */
const PROGRAM = `
  import { Worker } from 'node:worker_threads';
  import ${JSON.stringify(new URL('../../../dist/index.js', import.meta.url).href)};
  const source = \`
    import { parentPort, workerData } from 'node:worker_threads';
    import(workerData).then(({ createPool }) => {
      parentPort.postMessage('loads');
      createPool().from('x');
    });
  \`;
  for (let i = 0; i < 80; i++) {
    const worker = new Worker(source, {
      eval: true,
      workerData: ${JSON.stringify(new URL('../../../dist/index.js', import.meta.url).href)},
    });
    await new Promise(resolve => worker.once('message', resolve));
    for (const until = performance.now() + i / 8; performance.now() < until; );
    await worker.terminate();
  }
  console.log('alive');
`;

test('a plain worker can be terminated while koffi loads in it', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM]);
  assert.equal(stderr.toString(), '');
  assert.equal(stdout.toString(), 'alive\n');
});

test('all copies of the module share the memory of the first, in whatever context that was loaded', () => {
  const program = `
    import { runInNewContext } from 'node:vm';
    import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
    const first = runInNewContext('new SharedArrayBuffer(524288)');
    setEnvironmentData('iolite:gates', first);
    await import(${JSON.stringify(new URL('../../../dist/index.js', import.meta.url).href)});
    console.log(getEnvironmentData('iolite:gates') === first);
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
  assert.equal(stderr.toString(), '');
  assert.equal(stdout.toString(), 'true\n');
});

test('threads have places of their own, used again after very many', () => {
  assert.equal(placeOf(0), 0);
  assert.equal(placeOf(1), 1);
  assert.equal(placeOf(1 << 16), 1);
});
