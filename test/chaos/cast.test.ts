import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Part } from '../../chaos/actor.ts';
import { Cast } from '../../chaos/cast.ts';

const shell = (name: string, script: string): Part => ({
  name,
  program: '/bin/sh',
  isForeign: true,
  args: () => ['-c', script],
  brings: [],
  speaks: false,
});

test('a server that ends as told is no finding, one that ends badly or leaves somebody is', async () => {
  const cast = new Cast([
    shell('good', "trap 'kill $!; wait; exit 0' TERM; sleep 1000 & echo Server is ready; wait"),
    shell('bad', "trap 'exit 3' TERM; sleep 1000 & echo Server is ready; wait"),
  ]);
  cast.start();
  await cast.complete();
  const [, left] = cast.pidsOf('bad');
  try {
    await cast.finish('good');
    assert.deepEqual(cast.findings, []);
    await cast.restart(['good']);
    assert.equal(cast.pidsOf('good').length, 2);
    await cast.finish('bad');
    assert.deepEqual(
      cast.findings.map(({ kind, who, what }) => `${kind}: ${who}: ${what}`),
      [
        'trouble: bad: it was to end with 0 at SIGTERM: 3',
        `leaked: bad: processes ${left} are left behind it`,
      ],
    );
    await cast.finish('good');
  } finally {
    await cast.end();
    process.kill(left as number);
  }
});
