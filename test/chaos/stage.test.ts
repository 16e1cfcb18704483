import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { recordFault, stampIn } from '../../chaos/payload.ts';
import { Stage, siteOf } from '../../chaos/stage.ts';

test('files are records of one version behind the other, and go with the stage', async () => {
  const stage = await Stage.open({ seed: 1 });
  const read = () => readFileSync(join(siteOf(stage.plan), 'f3.bin'));
  const first = stampIn(read())!;
  assert.deepEqual([first.source, first.version, recordFault([read()], first)], [3, 1, undefined]);
  stage.exchange(3);
  const second = stampIn(read())!;
  assert.deepEqual([second.source, second.version, recordFault([read()], second)], [3, 2, undefined]);
  assert.notEqual(recordFault([read()], first), undefined);
  const { ino } = statSync(siteOf(stage.plan));
  stage.exchangeRoot();
  assert.notEqual(statSync(siteOf(stage.plan)).ino, ino);
  assert.equal(stampIn(read())?.version, 3);
  assert.equal(stampIn(readFileSync(join(siteOf(stage.plan), 'f0.bin')))?.version, 2);
  stage[Symbol.dispose]();
  assert.ok(!existsSync(stage.plan.folder));
});
