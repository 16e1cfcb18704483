import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SmallHouse } from './support/small-house.ts';

const SCRIPT = new URL('../../scripts/check-layers.mjs', import.meta.url);
const { layerBreachesIn } = await import(new URL('../../scripts/layers.mjs', import.meta.url).href);
const load = (names: string, from: string): string => `import ${names} from '${from}';\n`;
const SOUND = {
  'src/base/number.ts': 'export type Count = number;\n',
  'src/os/call.ts': load('koffi', 'koffi') + load('type { Count }', '../base/number.ts'),
  'src/http/server.ts': load('{ readFileSync }', 'node:fs') + load('ms', 'ms'),
  'src/index.ts': "export * from './http/server.ts';\n",
};

test('imports that go downward, to packages that are declared, are as they should be', () => {
  using house = new SmallHouse(SOUND);
  assert.deepEqual(house.check(SCRIPT), { code: 0, breaches: [] });
});

test('the check fails, and says what it found', () => {
  using house = new SmallHouse({ ...SOUND, 'src/os/call.ts': load('{ server }', '../http/server.ts') });
  const breaches = ['src/os/call.ts:1: http/server.ts lies in a higher storey'];
  assert.deepEqual(house.check(SCRIPT), { code: 1, breaches });
});

const wrong: Record<string, [files: Record<string, string>, breach: string]> = {
  'an import upward': [
    { 'src/os/call.ts': `\n${load('{ server }', '../http/server.ts')}` },
    'src/os/call.ts:2: http/server.ts lies in a higher storey',
  ],
  'an import of a type upward': [
    { 'src/os/call.ts': load('type { server }', '../http/server.ts') },
    'src/os/call.ts:1: http/server.ts lies in a higher storey',
  ],
  'a type that is named with import()': [
    { 'src/os/call.ts': "export type Call = typeof import('../http/server.ts');\n" },
    'src/os/call.ts:1: http/server.ts lies in a higher storey',
  ],
  'an import beside': [
    { 'src/ipc/channel.ts': load('{ send }', '../network/send.ts'), 'src/network/send.ts': '' },
    'src/ipc/channel.ts:1: network/send.ts lies beside it in the same storey',
  ],
  'a folder that is no storey': [{ 'src/attic/box.ts': '' }, 'src/attic/box.ts:1: attic is no storey'],
  'an import of nothing': [
    { 'src/os/call.ts': load('{ gone }', './gone.ts') },
    'src/os/call.ts:1: ./gone.ts names no file',
  ],
  'a package that is not declared': [
    { 'src/os/call.ts': load('{ thing }', '@some/package/part') },
    'src/os/call.ts:1: @some/package is not among the dependencies in package.json',
  ],
  'koffi elsewhere': [
    { 'src/http/server.ts': load('koffi', 'koffi') },
    'src/http/server.ts:1: koffi is for src/os only',
  ],
  'a circle of types': [
    {
      'src/os/call.ts': load('type { Reply }', './reply.ts'),
      'src/os/reply.ts': load('type { Call }', './call.ts'),
    },
    'src/os/call.ts:1: a circle of files: os/call.ts imports os/reply.ts (os/call.ts:1), ' +
      'os/reply.ts imports os/call.ts (os/reply.ts:1)',
  ],
  'a circle of rooms without one of files': [
    {
      'src/ipc/wire/frame.ts': load('{ pair }', '../meet/pair.ts'),
      'src/ipc/wire/head.ts': '',
      'src/ipc/meet/pair.ts': '',
      'src/ipc/meet/thread.ts': load('{ head }', '../wire/head.ts'),
    },
    'src/ipc/meet/thread.ts:1: a circle of rooms: ipc/meet imports ipc/wire (ipc/meet/thread.ts:1), ' +
      'ipc/wire imports ipc/meet (ipc/wire/frame.ts:1)',
  ],
};

for (const [what, [files, breach]] of Object.entries(wrong)) {
  test(`${what} is found, and nothing else`, () => {
    using house = new SmallHouse({ ...SOUND, ...files });
    assert.deepEqual(layerBreachesIn(house.path), [breach]);
  });
}
