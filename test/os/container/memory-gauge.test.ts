import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MemoryGauge } from '../../../src/os/container/memory-gauge.ts';
import { Machine, mount } from './support/machine.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
/** How version 1 says that there is no limit. */
const NO_LIMIT = '9223372036854771712';

/** A machine of 8 GiB, of which 6 are available. */
const MEMINFO = `MemTotal: ${8 * MiB} kB\nMemFree: ${MiB} kB\nMemAvailable: ${6 * MiB} kB`;

function version2(cgroup = '/a/b'): Machine {
  return new Machine({
    'proc/meminfo': MEMINFO,
    'proc/self/cgroup': `0::${cgroup}`,
    'proc/self/mountinfo': mount('cgroup2', '/', '/cg'),
  });
}

function version1(cgroup = '/a/b'): Machine {
  return new Machine({
    'proc/meminfo': MEMINFO,
    'proc/self/cgroup': `4:memory:${cgroup}`,
    'proc/self/mountinfo': mount('cgroup', '/', '/cg', 'memory'),
    'cg/memory.limit_in_bytes': NO_LIMIT,
  });
}

test('without cgroups the machine is the bound', () => {
  using machine = new Machine({
    'proc/meminfo': MEMINFO,
    'proc/pressure/memory': 'some avg10=0.00 total=77',
  });
  const gauge = new MemoryGauge(machine.root);
  assert.equal(gauge.limit(), 8 * GiB);
  assert.deepEqual(gauge.read(), {
    limit: 8 * GiB,
    used: 2 * GiB,
    reclaimable: 5 * GiB,
    strains: 0,
    stalled: 77,
  });
});

test('what cannot be known is no limit', () => {
  using machine = new Machine();
  const gauge = new MemoryGauge(machine.root);
  assert.equal(gauge.limit(), Number.POSITIVE_INFINITY);
  assert.deepEqual(gauge.read(), {
    limit: Number.POSITIVE_INFINITY,
    used: 0,
    reclaimable: 0,
    strains: 0,
    stalled: 0,
  });
});

test('version 2: the least limit of all above counts, and clean pages of files do not', () => {
  using machine = version2();
  machine.write('cg/a/b/memory.max', 'max');
  machine.write('cg/a/memory.max', 256 * MiB);
  machine.write('cg/a/memory.current', 200 * MiB);
  const stat = { inactive_file: 50, active_file: 30, file_dirty: 20, slab_reclaimable: 10, shmem: 70 };
  const lines = Object.entries(stat).map(([name, mib]) => `${name} ${mib * MiB}`);
  machine.write('cg/a/memory.stat', lines.join('\n'));
  machine.write('cg/a/memory.events', 'low 1\nhigh 2\nmax 3\noom 4\noom_kill 5');
  machine.write(
    'cg/a/memory.pressure',
    'some avg10=1.00 avg60=0 avg300=0 total=123\nfull avg10=0.00 total=9',
  );
  const gauge = new MemoryGauge(machine.root);
  assert.equal(gauge.limit(), 256 * MiB);
  assert.deepEqual(gauge.read(), {
    limit: 256 * MiB,
    used: 130 * MiB,
    reclaimable: 70 * MiB,
    strains: 14,
    stalled: 123,
  });
});

test('version 2: beyond memory.high a cgroup is slowed down, so that is its limit', () => {
  using machine = version2();
  machine.write('cg/a/b/memory.max', 256 * MiB);
  machine.write('cg/a/b/memory.high', 200 * MiB);
  machine.write('cg/a/b/memory.current', 100 * MiB);
  const gauge = new MemoryGauge(machine.root);
  assert.equal(gauge.limit(), 200 * MiB);
  assert.equal(gauge.read().limit, 200 * MiB);
});

test('version 1: figures are those of the cgroups below, too', () => {
  using machine = version1();
  machine.write('cg/a/b/memory.limit_in_bytes', 256 * MiB);
  machine.write('cg/a/b/memory.usage_in_bytes', 200 * MiB);
  machine.write('cg/a/b/memory.kmem.usage_in_bytes', 10 * MiB);
  const stat = `inactive_file 1\ntotal_inactive_file ${60 * MiB}\ntotal_active_file ${20 * MiB}`;
  machine.write('cg/a/b/memory.stat', `${stat}\ntotal_dirty ${5 * MiB}\ntotal_writeback ${5 * MiB}`);
  machine.write('cg/a/b/memory.failcnt', 7);
  machine.write('cg/a/b/memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 2');
  const gauge = new MemoryGauge(machine.root);
  assert.equal(gauge.limit(), 256 * MiB);
  assert.deepEqual(gauge.read(), {
    limit: 256 * MiB,
    used: 125 * MiB,
    reclaimable: 75 * MiB,
    strains: 9,
    stalled: 0,
  });
});

test('version 1: a limit above what can be seen is known to the cgroup', () => {
  using machine = version1('/');
  machine.write('cg/memory.usage_in_bytes', 100 * MiB);
  machine.write('cg/memory.stat', `hierarchical_memory_limit ${300 * MiB}`);
  const gauge = new MemoryGauge(machine.root);
  assert.equal(gauge.limit(), 300 * MiB);
  assert.deepEqual(gauge.read(), {
    limit: 300 * MiB,
    used: 100 * MiB,
    reclaimable: 0,
    strains: 0,
    stalled: 0,
  });
});

test('of several bounds the one counts that has the least left', () => {
  using machine = version2();
  machine.write('cg/a/b/memory.max', 256 * MiB);
  machine.write('cg/a/b/memory.current', 100 * MiB);
  machine.write('cg/a/memory.max', GiB);
  machine.write('cg/a/memory.current', GiB - 50 * MiB);
  const gauge = new MemoryGauge(machine.root);
  assert.equal(gauge.limit(), 256 * MiB);
  assert.equal(gauge.read().limit, GiB);
  machine.write('proc/meminfo', `MemTotal: ${8 * MiB} kB\nMemAvailable: 1024 kB`);
  assert.equal(gauge.read().used, 8 * GiB - MiB);
});

test('a limit that is changed is read anew, and so is one that comes or goes', () => {
  using machine = version2('/a');
  const gauge = new MemoryGauge(machine.root);
  assert.equal(gauge.read().limit, 8 * GiB);
  machine.write('cg/a/memory.current', 100 * MiB);
  machine.write('cg/a/memory.max', 256 * MiB);
  assert.equal(gauge.read().limit, 256 * MiB);
  machine.write('cg/a/memory.max', 160 * MiB);
  assert.equal(gauge.read().limit, 160 * MiB);
  rmSync(join(machine.root, 'cg'), { recursive: true });
  assert.equal(gauge.read().limit, 8 * GiB);
});

test('files that cannot be read or make no sense set no limit', () => {
  for (const nonsense of [
    '',
    'max',
    '-1',
    '0',
    'NaN',
    '1e3',
    '0x10',
    NO_LIMIT,
    '99999999999999999999999999',
  ]) {
    using machine = version2('/a');
    machine.write('cg/a/memory.max', nonsense);
    machine.write('cg/a/memory.current', nonsense);
    machine.write('cg/a/memory.stat', nonsense);
    machine.write('proc/meminfo', nonsense);
    const gauge = new MemoryGauge(machine.root);
    assert.equal(gauge.limit(), Number.POSITIVE_INFINITY, nonsense);
    assert.equal(gauge.read().limit, Number.POSITIVE_INFINITY, nonsense);
  }
  using folders = version1('/a');
  for (const name of ['memory.limit_in_bytes', 'memory.usage_in_bytes', 'memory.stat']) {
    mkdirSync(join(folders.root, 'cg/a', name), { recursive: true });
  }
  assert.equal(new MemoryGauge(folders.root).limit(), 8 * GiB);
  using closed = version1('/a');
  closed.write('cg/a/memory.limit_in_bytes', 256 * MiB);
  chmodSync(join(closed.root, 'cg/a/memory.limit_in_bytes'), 0);
  // Whoever is root reads it all the same.
  assert.equal(new MemoryGauge(closed.root).limit(), process.getuid?.() === 0 ? 256 * MiB : 8 * GiB);
});

test('a limit whose use is not told bounds a budget, and is not watched', () => {
  using machine = version2('/a');
  machine.write('cg/a/memory.max', 256 * MiB);
  const gauge = new MemoryGauge(machine.root);
  assert.equal(gauge.limit(), 256 * MiB);
  assert.equal(gauge.read().limit, 8 * GiB);
});

test('of this machine there is a limit, and something is used', () => {
  const gauge = new MemoryGauge();
  const { limit, used } = gauge.read();
  assert.ok(gauge.limit() <= totalmem() && gauge.limit() > 0);
  assert.ok(used > 0 && limit > 0);
});
