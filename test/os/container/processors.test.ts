import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { cpuQuota, usableProcessors } from '../../../src/os/container/processors.ts';
import { Machine, mount } from './support/machine.ts';

function version2(files: Record<string, string>): Machine {
  return new Machine({
    'proc/self/cgroup': '0::/a/b',
    'proc/self/mountinfo': mount('cgroup2', '/', '/cg'),
    ...files,
  });
}

test('version 2: the least quota of all above counts', () => {
  using machine = version2({
    'cg/a/b/cpu.max': 'max 100000',
    'cg/a/cpu.max': '150000 100000',
    'cg/cpu.max': '400000 100000',
  });
  assert.equal(cpuQuota(machine.root), 1.5);
  assert.equal(usableProcessors(machine.root), Math.min(2, availableParallelism()));
});

test('version 1: a quota is one of a period', () => {
  using machine = new Machine({
    'proc/self/cgroup': '2:cpu,cpuacct:/a',
    'proc/self/mountinfo': mount('cgroup', '/', '/cg/cpu', 'cpu,cpuacct'),
    'cg/cpu/cpu.cfs_quota_us': '-1',
    'cg/cpu/cpu.cfs_period_us': '100000',
    'cg/cpu/a/cpu.cfs_quota_us': '20000',
    'cg/cpu/a/cpu.cfs_period_us': '50000',
  });
  assert.equal(cpuQuota(machine.root), 0.4);
  assert.equal(usableProcessors(machine.root), 1);
});

test('what is missing or makes no sense is no quota', () => {
  for (const nonsense of ['', 'max', '0 100000', '100000', '100000 0', '-1 5', 'x y', '1e5 1e5']) {
    using machine = version2({ 'cg/a/b/cpu.max': nonsense });
    assert.equal(cpuQuota(machine.root), Number.POSITIVE_INFINITY, nonsense);
    assert.equal(usableProcessors(machine.root), availableParallelism());
  }
  using nothing = new Machine();
  assert.equal(usableProcessors(nothing.root), availableParallelism());
});

test('of this machine there is one at least', () => {
  assert.ok(usableProcessors() >= 1 && usableProcessors() <= availableParallelism());
});
