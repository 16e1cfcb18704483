import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MappingView, ProcessView } from '../../../chaos/audit/process-view.ts';
import { excess, serverViewOf } from '../../../chaos/audit/server-view.ts';

const mapping = (inode: number, bytes: number): MappingView => ({
  inode,
  name: 'pool',
  bytes,
  writesThrough: false,
});
const view = (pid: number, sockets: number, mappings: readonly MappingView[]): ProcessView => ({
  pid,
  mappings,
  memory: [],
  sockets,
  descriptors: 10 + sockets,
  proportionalBytes: 0,
  locked: [],
});

test('memory that several processes of a server map counts once, all of it', () => {
  const server = serverViewOf([
    view(1, 3, [mapping(7, 4096), mapping(7, 4096)]),
    view(2, 1, [mapping(7, 4096), mapping(8, 100)]),
  ]);
  assert.deepEqual(server, { processes: 2, sockets: 4, descriptors: 24, mappedBytes: 8292 });
});

test('what a server holds beyond a fresh one and what it may is said', () => {
  const allowance = { sockets: 1, descriptors: 2, mappedBytes: 100 };
  const fresh = serverViewOf([view(1, 3, []), view(2, 1, [])]);
  assert.deepEqual(
    excess(serverViewOf([view(1, 3, [mapping(1, 100)]), view(2, 2, [])]), fresh, allowance),
    [],
  );
  assert.deepEqual(excess(serverViewOf([view(1, 9, [mapping(1, 101)])]), fresh, allowance), [
    '1 processes in place of 2',
    '9 sockets at rest, a fresh one has 4',
    '101 mappedBytes at rest, a fresh one has 0',
  ]);
});
