/**
 * Does random things to a small tree, as a user who may not do everything, and compares what caches give by
 * random paths with what the kernel does. Writes what does not come to agree, and how much it compared.
 * Arguments: a folder that is ours to fill, a seed, the number of rounds.
 */
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { now } from '../../../src/base/clock.ts';
import { attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import type { FileCache } from '../../../src/file/cache/file-cache.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { ChannelPair } from '../../support/channel-pair.ts';

const HOUR_MS = 3_600_000;
const PATIENCE_MS = 10_000;
const NAMES = ['a', 'b', 'f', 'g'];
const TARGETS = ['..', '.', '../a', 'b', 'a/../f', 'g/..', '../../tree/b', 'f/'];
const MODES = [0, 0o100, 0o400, 0o711, 0o700, 0o700, 0o700];

const [folder = '', seed = '1', rounds = '100'] = process.argv.slice(2);
const tree = `${folder}/tree`;
let state = Number(seed);
let version = 0;

function random(below: number): number {
  state = (state * 1_103_515_245 + 12_345) & 0x7fff_ffff;
  return (state >> 8) % below;
}

function oneOf<T>(list: readonly T[]): T {
  return list[random(list.length)] as T;
}

function somewhere(): string {
  let path = tree;
  for (let depth = random(3); depth >= 0; depth--) path += `/${oneOf(NAMES)}`;
  return path;
}

function somePath(): string {
  let path = tree;
  for (let depth = random(4); depth > 0; depth--) path += `/${oneOf([...NAMES, '..', '.', ''])}`;
  return `${path}/${oneOf(NAMES)}`;
}

function target(): string {
  return random(2) === 0 ? somewhere() : oneOf(TARGETS);
}

function next(): string {
  version += 1;
  return `version ${version}`;
}

/** Does it beside, and puts it in its place. */
function replaced(path: string, make: (path: string) => void): void {
  make(`${path}.new`);
  renameSync(`${path}.new`, path);
}

const changes: readonly ((path: string) => void)[] = [
  path => writeFileSync(path, next()),
  path => writeFileSync(path, next()),
  path => replaced(path, fresh => writeFileSync(fresh, next())),
  path => mkdirSync(path),
  path => mkdirSync(path),
  path => renameSync(path, somewhere()),
  path => renameSync(path, somewhere()),
  path => rmSync(path, { recursive: true }),
  path => symlinkSync(target(), path),
  path => replaced(path, fresh => symlinkSync(target(), fresh)),
  path => chmodSync(path, oneOf(MODES)),
  path => chmodSync(path, 0o700),
  path => utimesSync(path, 1, 1),
  path => truncateSync(path, random(2)),
];

/** The text, or that there is none: where several things are wrong, which of them is said does not count. */
function kernels(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

async function textOf(cache: FileCache, path: string): Promise<string | undefined> {
  try {
    const content = await cache.read(path);
    const text = content.toString('latin1');
    content.release();
    return text;
  } catch {
    return undefined;
  }
}

mkdirSync(tree);
// What is written through a name that came later is told of to nobody: hence the other bound.
const owned = createFileCache({ budget: 1024 ** 2, maxStale: 40, maxUntold: 400 });
const trusting = createFileCache({ budget: 1024 ** 2, maxStale: 40, maxUntold: HOUR_MS });
const pair = new ChannelPair();
owned.serve(pair.near);
const attached = await attachFileCache(pair.far);
const hasLinks = Number(seed) % 2 === 0;
const caches = hasLinks ? [owned, attached] : [trusting, owned, attached];
const possible = hasLinks ? [...changes, (path: string) => linkSync(path, somewhere())] : changes;
const wrong: string[] = [];
let compared = 0;
for (let round = 0; round < Number(rounds) && wrong.length === 0; round++) {
  for (let count = random(4); count >= 0; count--) {
    try {
      oneOf(possible)(somewhere());
    } catch {
      // It was not possible.
    }
  }
  const paths = Array.from({ length: 10 }, somePath);
  if (random(2) === 0) for (const path of paths) for (const cache of caches) void textOf(cache, path);
  for (const path of paths) {
    const wanted = kernels(path);
    if (wanted !== undefined) compared += 1;
    for (const cache of caches) {
      const end = now() + PATIENCE_MS;
      let text = await textOf(cache, path);
      while (text !== wanted && now() < end) {
        await setTimeout(1);
        text = await textOf(cache, path);
      }
      if (text !== wanted) wrong.push(`${path}: '${text}' in place of '${wanted}' in round ${round}`);
    }
  }
}
attached.close();
for (const cache of [owned, trusting]) cache.close();
pair[Symbol.dispose]();
process.stdout.write(JSON.stringify({ wrong, compared }));
