import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/cli/serve/serve-config.ts';
import { UserError } from '../../src/cli/user-error.ts';
import type { Random } from '../random.ts';
import type { Target } from '../target.ts';

const NAMES = [
  ...[
    'host',
    'port',
    'listen',
    'workers',
    'budget',
    'cachePolicy',
    'confine',
    'root',
    'site',
    'app',
    'proxy',
  ],
  ...[
    'origin',
    'headers',
    'cors',
    'rules',
    'hosts',
    'tls',
    'limits',
    'drain',
    'health',
    'metrics',
    'inspect',
  ],
  ...['pidFile', 'log', 'path', 'mode', 'user', 'group', 'module', 'responder', 'maxAge', 'file', 'format'],
  ...['key', 'cert', 'delay', 'time', 'match', 'status', 'to', 'redirect', 'index', 'fallback', 'address'],
  ...['headersTimeout', 'maxHeaderSize', 'token', 'origins', 'methods', 'credentials', 'url', 'stale'],
  ...['preserveHost', 'cookies', '__proto__', 'constructor', '$schema', 'compress', 'env', 'cwd', 'args'],
];
const VALUES = [
  ...['true', 'false', 'null', '0', '1', '-1', '8080', '65536', '1.5', '1e308', '""', '"a"', '"/"', '"*"'],
  ...['"*.example.org"', '"unix:/run/a.sock"', '"127.0.0.1:9464"', '"[::1]:80"', '"30 s"', '"1 day"', '"%"'],
  ...['"http://127.0.0.1:1"', '"lru"', '"0660"', '"json"', '"-"', '"public, max-age=60"', '"\\u0000"'],
  ...['"\\ud800"', '"a\\nb"', '"/**"', '"/{a,b}/[!c]"', '"301"', '"https://$host/$1"', '"self-signed"'],
];

const folder = mkdtempSync(join(tmpdir(), 'iolite-fuzz-'));
const file = join(folder, 'settings.json');

/** A file of settings: it is taken, or refused with what is wrong where, and always alike. */
export const settings: Target = {
  name: 'settings',
  covers: [
    'cli/serve/settings/',
    'cli/serve/serve-config.',
    'cli/serve/listen/unix-place.',
    'cli/serve/tls/',
  ],
  tokens: [...NAMES.map(name => `"${name}":`), ...VALUES, '{', '}', '[', ']', ','],
  make: random => Buffer.from(someObject(random, 3)),
  run: async bytes => {
    writeFileSync(file, bytes);
    const first = await outcome();
    if (first !== (await outcome())) throw new Error('The same settings are read in two ways');
  },
  close: () => rmSync(folder, { recursive: true }),
};

async function outcome(): Promise<string> {
  try {
    return JSON.stringify(await readConfig(file));
  } catch (error) {
    if (!(error instanceof UserError) || error.message === '') throw error;
    return error.message;
  }
}

function someValue(random: Random, levels: number): string {
  if (levels === 0 || random.chance(0.5)) return random.pick(VALUES);
  if (random.chance(0.3)) return `[${random.several(3, () => someValue(random, levels - 1)).join()}]`;
  return someObject(random, levels - 1);
}

function someObject(random: Random, levels: number): string {
  const member = (): string => `"${random.pick(NAMES)}":${someValue(random, levels)}`;
  return `{${random.several(5, member).join()}}`;
}
