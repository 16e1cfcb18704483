import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Floors } from '../../chaos/floors.ts';
import { Folder } from '../support/folder.ts';

test('what one raises the other sees', () => {
  using folder = new Folder();
  writeFileSync(folder.file('floors'), Buffer.alloc(16));
  using raised = new Floors(folder.file('floors'));
  using seen = new Floors(folder.file('floors'));
  raised.raise(2, 70_000);
  assert.deepEqual([seen.of(1), seen.of(2), seen.of(3)], [0, 70_000, 0]);
});
