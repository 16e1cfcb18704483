import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { amountIn, figuresIn, ownCgroups, textOf } from '../../../src/os/container/own-cgroups.ts';
import { Machine, mount } from './support/machine.ts';

/** The folders of a controller, without the root, and which version they are of. */
function foldersOf(controller: string, cgroup: string, ...mounts: string[]): [string, number][] {
  using machine = new Machine({
    'proc/self/cgroup': cgroup,
    'proc/self/mountinfo': ['22 1 8:1 / / rw - ext4 /dev/sda1 rw', ...mounts].join('\n'),
  });
  return ownCgroups(controller, machine.root).map(({ path, version }) => [
    path.slice(machine.root.length),
    version,
  ]);
}

test('in version 2 a cgroup is bounded by itself and all above it', () => {
  assert.deepEqual(foldersOf('memory', '0::/a/b', mount('cgroup2', '/', '/sys/fs/cgroup')), [
    ['/sys/fs/cgroup/a/b', 2],
    ['/sys/fs/cgroup/a', 2],
    ['/sys/fs/cgroup', 2],
  ]);
});

test('in version 1 each controller has a hierarchy of its own', () => {
  const mounts = [
    mount('cgroup', '/', '/sys/fs/cgroup/memory', 'memory'),
    mount('cgroup', '/', '/sys/fs/cgroup/cpu,cpuacct', 'cpu,cpuacct'),
  ];
  const cgroup = '4:memory:/m/x\n2:cpu,cpuacct:/c\n1:name=systemd:/';
  assert.deepEqual(foldersOf('memory', cgroup, ...mounts), [
    ['/sys/fs/cgroup/memory/m/x', 1],
    ['/sys/fs/cgroup/memory/m', 1],
    ['/sys/fs/cgroup/memory', 1],
  ]);
  assert.deepEqual(foldersOf('cpu', cgroup, ...mounts), [
    ['/sys/fs/cgroup/cpu,cpuacct/c', 1],
    ['/sys/fs/cgroup/cpu,cpuacct', 1],
  ]);
});

test('where both versions are mounted, both bound', () => {
  const found = foldersOf(
    'memory',
    '4:memory:/m\n0::/u',
    mount('cgroup', '/', '/sys/fs/cgroup/memory', 'memory'),
    mount('cgroup2', '/', '/sys/fs/cgroup/unified'),
  );
  assert.deepEqual(found, [
    ['/sys/fs/cgroup/memory/m', 1],
    ['/sys/fs/cgroup/memory', 1],
    ['/sys/fs/cgroup/unified/u', 2],
    ['/sys/fs/cgroup/unified', 2],
  ]);
});

test('in a container the mount point is its cgroup, whatever the path says', () => {
  const own = [['/sys/fs/cgroup/memory', 1]];
  const root = '/docker/abc';
  const point = mount('cgroup', root, '/sys/fs/cgroup/memory', 'memory');
  for (const path of ['/', root, '/elsewhere', '/docker/abcd', '/../../x']) {
    assert.deepEqual(foldersOf('memory', `4:memory:${path}`, point), path === '/../../x' ? own : own, path);
  }
  assert.deepEqual(foldersOf('memory', `4:memory:${root}/in`, point), [
    ['/sys/fs/cgroup/memory/in', 1],
    ...own,
  ]);
});

test('a mount point with a space is found', () => {
  assert.deepEqual(foldersOf('memory', '0::/', mount('cgroup2', '/', '/my\\040cgroups')), [
    ['/my cgroups', 2],
  ]);
});

test('what is missing or makes no sense is no cgroup', () => {
  using nothing = new Machine();
  assert.deepEqual(ownCgroups('memory', nothing.root), []);
  for (const text of [
    '',
    '\n\n',
    'x',
    ' - ',
    'a b c d e - cgroup',
    '\0',
    '1 2 3 4 5 - cgroup2 x y '.repeat(3),
  ]) {
    using machine = new Machine({ 'proc/self/cgroup': text, 'proc/self/mountinfo': text });
    for (const { path } of ownCgroups('memory', machine.root)) assert.ok(path.startsWith(machine.root));
  }
  using unread = new Machine();
  mkdirSync(join(unread.root, 'proc/self/cgroup'), { recursive: true });
  mkdirSync(join(unread.root, 'proc/self/mountinfo'), { recursive: true });
  assert.deepEqual(ownCgroups('memory', unread.root), []);
});

test('files say amounts and figures, or nothing', () => {
  using machine = new Machine({
    amount: 42,
    max: 'max',
    minus: -1,
    none: 0,
    words: '1 2',
    figures: 'a 1\nb x\nc 3',
  });
  const at = (name: string): string => join(machine.root, name);
  assert.equal(amountIn(at('amount')), 42);
  for (const name of ['max', 'minus', 'none', 'words', 'figures', 'missing', '.']) {
    assert.equal(amountIn(at(name)), undefined, name);
  }
  assert.deepEqual(
    [...figuresIn(at('figures'))],
    [
      ['a', 1],
      ['c', 3],
    ],
  );
  assert.deepEqual([...figuresIn(at('missing'))], []);
  assert.equal(textOf(at('missing')), undefined);
});
