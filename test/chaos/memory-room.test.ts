import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { MemoryRoom } from '../../chaos/memory-room.ts';

const room = MemoryRoom.open();

test('a shell joins it, and it goes when all have ended', { skip: typeof room === 'string' && room }, () => {
  if (typeof room === 'string') return;
  const groups = execFileSync('/bin/sh', ['-c', `${room.prelude} && cat /proc/self/cgroup`], {
    encoding: 'latin1',
  });
  const folder = /echo \$\$ > '.*\/([^/]+)\/cgroup.procs'/.exec(room.prelude)?.[1] ?? 'none';
  assert.ok(groups.includes(folder), groups);
  assert.equal(room.kills, 0);
  room.squeeze(0);
  room.clear();
  room[Symbol.dispose]();
});
