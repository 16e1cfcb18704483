import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memoryLimitFiles } from '../container/memory-gauge.ts';

/** What the loader of programs and Node.js read when they start. */
const SYSTEM_FILES = [
  '/lib',
  '/lib32',
  '/lib64',
  '/usr/lib',
  '/usr/lib32',
  '/usr/lib64',
  '/usr/local/lib',
  '/nix/store',
  '/etc/ld.so.cache',
  '/etc/ld.so.preload',
  '/etc/localtime',
  '/etc/ssl/openssl.cnf',
  '/etc/pki/tls/openssl.cnf',
  '/usr/share/zoneinfo',
  '/dev/null',
  '/dev/zero',
  '/dev/random',
  '/dev/urandom',
  '/proc/self',
  '/proc/meminfo',
  '/sys/devices/system/cpu',
];

/**
 * Files that a process of Node.js needs to run a module of a package: the program, its libraries, and the
 * package with those that it depends on.
 * @param module URL of a module of the package
 */
export function programFiles(module: string | URL): string[] {
  const path = realpathSync(fileURLToPath(module));
  const { NODE_EXTRA_CA_CERTS: certificates } = process.env;
  const named = certificates === undefined ? [] : [certificates];
  const files = [...SYSTEM_FILES, ...memoryLimitFiles(), ...named];
  return [...files, realpathSync(process.execPath), ...packagesOf(path)].filter(existsSync);
}

/**
 * The outermost node_modules that a module lies in; where it lies in none, the package itself, and the
 * node_modules of all folders above, where a workspace has the packages of its members.
 */
function packagesOf(path: string): string[] {
  const parts = path.split(sep);
  const modules = parts.indexOf('node_modules');
  if (modules !== -1) return [parts.slice(0, modules + 1).join(sep)];
  let folder = dirname(path);
  while (folder !== dirname(folder) && !existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  const above = [];
  for (let at = dirname(folder); at !== dirname(at); at = dirname(at)) above.push(join(at, 'node_modules'));
  return [folder, ...above];
}
