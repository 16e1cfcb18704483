import assert from 'node:assert/strict';
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { connect } from '../../../src/ipc/meet/connect.ts';
import { listen } from '../../../src/ipc/meet/listen.ts';
import { ownFolder, ownName } from '../../../src/ipc/meet/own-folder.ts';

test('names of ours lie where only we can make them', async () => {
  const path = ownName('test');
  const { uid, mode } = lstatSync(dirname(path));
  assert.equal(uid, process.geteuid?.());
  assert.equal(mode & 0o022, 0);
  assert.equal(ownFolder(), dirname(path));
  assert.notEqual(ownName('test'), path);
  await using endpoint = await listen(path);
  await using channel = await connect(endpoint.path);
  assert.equal(channel.peer.pid, process.pid);
});
