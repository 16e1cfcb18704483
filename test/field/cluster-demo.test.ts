import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { withNats } from '../cluster/support/nats-server.ts';
import { watchdog } from '../support/watchdog.ts';

const DEMO = fileURLToPath(new URL('../../scripts/demo-cluster.mjs', import.meta.url));

test(
  'a cluster is demonstrated in all its steps, and nothing is older than the purge',
  withNats,
  async () => {
    // A group of its own: nobody of it is to be left.
    const child = spawn(process.execPath, [DEMO, '2'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', text => {
      said += text;
    });
    let frames = '';
    try {
      const page = await watchdog(
        (async () => {
          for await (const _ of child.stdout.iterator({ destroyOnReturn: false })) {
            const url = /beside each other: (\S+)/.exec(said)?.[1];
            if (url !== undefined) return url;
          }
          throw new Error(`No inspectors: ${said}`);
        })(),
        'the inspectors',
        120_000,
      );
      frames = await (await fetch(page)).text();
      const [, framed = ''] = /src="([^"]+)"/.exec(frames) ?? [];
      const inspector = await fetch(framed);
      assert.equal(inspector.status, 200);
      assert.equal(inspector.headers.get('content-security-policy'), null);
      child.stdout.resume();
      const [code] = await watchdog(once(child, 'close'), 'the end', 240_000);
      assert.equal(code, 0, said);
    } finally {
      try {
        process.kill(-(child.pid as number), 'SIGKILL');
      } catch {
        // All have ended.
      }
    }
    assert.equal(frames.match(/<iframe/g)?.length, 2);
    assert.match(said, /had forgotten it after \d+ ms/);
    assert.match(said, /Machine b dies/);
    assert.match(said, /Machine c joins/);
    assert.match(said, /^0 answers were older than the purge/m);
  },
);
