import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** A folder of a cgroup's files. */
export interface CgroupFolder {
  readonly path: string;
  /** Of the interface: 2 is the unified hierarchy's. */
  readonly version: 1 | 2;
}

/** Where a hierarchy of cgroups is mounted. */
interface Mount {
  readonly point: string;
  /** What of the hierarchy is seen there. */
  readonly root: string;
  readonly version: 1 | 2;
  /** Version 1: the controllers of this hierarchy. */
  readonly controllers: readonly string[];
}

/**
 * The folders that bound this process by a controller: of its own cgroup, and of all above it that can be
 * seen, the own first. Version 1, version 2, and both side by side; in a container often only the mount
 * point, which is the container's cgroup then, whatever /proc/self/cgroup says. Some of them may be missing.
 * Nothing is thrown: what cannot be read or understood is no folder.
 * @param controller as version 1 calls it: 'memory', 'cpu'
 * @param root where /proc and the mount points are, for tests
 */
export function ownCgroups(controller: string, root = '/'): CgroupFolder[] {
  const mounts = mountsIn(textOf(join(root, 'proc/self/mountinfo')) ?? '');
  const paths = pathsIn(textOf(join(root, 'proc/self/cgroup')) ?? '');
  return mounts
    .filter(({ version, controllers }) => version === 2 || controllers.includes(controller))
    .flatMap(mount => {
      const name = mount.version === 2 ? '' : controller;
      return foldersOf(mount, paths.get(name) ?? '/').map(path => ({
        path: join(root, path),
        version: mount.version,
      }));
    });
}

/** What a file says; undefined when it cannot be read. */
export function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** The bytes, counts or the like that a file says; undefined unless it is one number above 0: 'max', -1. */
export function amountIn(path: string): number | undefined {
  const text = textOf(path)?.trim() ?? '';
  return /^\d+$/.test(text) && Number(text) > 0 ? Number(text) : undefined;
}

/** The numbers in a file of lines `name number`. What is no such line is left out. */
export function figuresIn(path: string): Map<string, number> {
  const figures = new Map<string, number>();
  for (const [, name = '', figure] of (textOf(path) ?? '').matchAll(/^(\w+) (\d+)$/gm)) {
    figures.set(name, Number(figure));
  }
  return figures;
}

/** The path of this process's cgroup by controller; under an empty name that of version 2. */
function pathsIn(text: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const [, controllers = '', path = ''] of text.matchAll(/^\d+:([^:\n]*):(\/.*)$/gm)) {
    // A path outside of our namespace begins with '/..': what is seen there is the mount point at most.
    for (const controller of controllers.split(',')) paths.set(controller, posix.normalize(path));
  }
  return paths;
}

/** The mounts of cgroups, by proc_pid_mountinfo(5). */
function mountsIn(text: string): Mount[] {
  return text.split('\n').flatMap((line): Mount[] => {
    const [before, after] = line.split(' - ');
    const [, , , root, point] = (before ?? '').split(' ').map(unescapePath);
    const [type, , options] = (after ?? '').split(' ');
    if (root === undefined || point === undefined) return [];
    if (type === 'cgroup2') return [{ root, point, version: 2, controllers: [] }];
    return type === 'cgroup' ? [{ root, point, version: 1, controllers: (options ?? '').split(',') }] : [];
  });
}

/** From the folder of a cgroup up to the mount point. */
function foldersOf({ root, point }: Mount, path: string): string[] {
  const isSeen = root === '/' || path === root || path.startsWith(`${root}/`);
  const names = (isSeen ? path.slice(root === '/' ? 0 : root.length) : '').split('/').filter(Boolean);
  return [...names.keys(), names.length].reverse().map(count => posix.join(point, ...names.slice(0, count)));
}

/** Spaces and the like are written as \040. */
function unescapePath(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
}
