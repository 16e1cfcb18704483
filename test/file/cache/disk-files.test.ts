import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { PublicProgram, UNPRIVILEGED } from '../../support/public-program.ts';

const ROUNDS = 60;

test('whatever is done to a tree, caches come to give what the kernel does', async () => {
  using program = new PublicProgram(new URL('../children/exchanger.ts', import.meta.url));
  let texts = 0;
  for (const seed of [1, 2, 3, 4]) {
    const folder = `${program.folder}/${seed}`;
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [program.path, folder, `${seed}`, `${ROUNDS}`],
      { ...UNPRIVILEGED, timeout: 100_000 },
    );
    const { wrong, compared } = JSON.parse(stdout) as { wrong: string[]; compared: number };
    assert.deepEqual(wrong, [], `seed ${seed}`);
    texts += compared;
  }
  assert.ok(texts > 200, `${texts} texts`);
});
