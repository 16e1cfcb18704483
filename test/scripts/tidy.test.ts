import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SmallHouse } from './support/small-house.ts';

const SCRIPT = new URL('../../scripts/tidy.mjs', import.meta.url);
const { Project } = await import(new URL('../../scripts/tidy/project.mjs', import.meta.url).href);
const { breachesIn } = await import(new URL('../../scripts/tidy/rules.mjs', import.meta.url).href);
const NO_UNIT = 'is a quantity; its name ends in no unit and no plural (a code is written in hex)';
const loads = (...sources: string[]): string => sources.map(source => `import '${source}';\n`).join('');
const lines = (count: number, text = ''): string => `${text}\n`.repeat(count);
const SOUND = {
  'src/index.ts': "export * from './os/call.ts';\n",
  'src/os/call.ts': "import { PAUSE_MS } from './wait.ts';\nexport const call = (): number => PAUSE_MS;\n",
  'src/os/wait.ts': 'export const PAUSE_MS = 5;\nconst MASK = 0x7f;\nexport const wait = MASK;\n',
  'test/os/call.test.ts': loads('../../src/os/call.ts', './support/help.ts'),
  'test/os/support/help.ts': 'export const help = 1;\n',
};
/** So many files of a room, all of them loaded by its test. */
function room(count: number): Record<string, string> {
  const names = Array.from({ length: count }, (_, i) => `part-${i}.ts`);
  const sources = names.map((name, i) => [`src/memory/${name}`, `export const part${i} = '';\n`]);
  const test = ['test/memory/memory.test.ts', loads(...names.map(name => `../../src/memory/${name}`))];
  return Object.fromEntries([...sources, test]);
}

const sound: Record<string, Record<string, string>> = {
  'a small house': {},
  'a line of just so many characters': {
    'src/os/wait.ts': `// ${'ü'.repeat(57)}\nexport const wait = '';\n`,
  },
  'long lines of prose': { 'README.md': lines(1, 'x'.repeat(200)) },
  'a name that is exported on': { 'src/os/index.ts': "export { call } from './call.ts';\n" },
  'a name that two files keep to themselves': {
    'src/os/call.ts': "import { wait } from './wait.ts';\nconst own = wait;\nexport const call = own;\n",
    'src/os/wait.ts': "const own = '';\nexport const wait = own;\n",
  },
  'quantities with a unit, counts, codes and calculations that are none': {
    'src/os/wait.ts': [
      'const SIZE_BYTES = 4 * 1024 ** 2;',
      'const HALF_PART = 1 / 2;',
      'const MAX_TRIES = -(1 + 2);',
      'const MIN_CHILDREN = MAX_TRIES / 2;',
      'const NEWLINE = 0x0a;',
      'const MODE = 0o600 | 0b1;',
      "const NAME = 'a' + 1;",
      'const ALL = Number.MAX_SAFE_INTEGER;',
      'const local = 7;',
      'export const wait = [SIZE_BYTES, HALF_PART, local];',
      '',
    ].join('\n'),
  },
  "the kernel's numbers": {
    'src/os/constants.ts': 'export const EAGAIN = 11;\n',
    'test/os/constants.test.ts': loads('../../src/os/constants.ts'),
  },
  'a folder of 22 files': room(22),
  'a function of 70 lines': {
    'src/os/wait.ts': `export function wait(): void {\n${lines(68)}}\n`,
  },
  'a file of 420 lines': { 'src/os/wait.ts': `export const wait = '';\n${lines(419)}` },
  'tests named after an aspect, after their room, and after a script': {
    'test/os/call-hostile.test.ts': loads('../../src/os/call.ts'),
    'test/os/os-limits.test.ts': loads('../../src/os/call.ts'),
    'scripts/build.mjs': '',
    'test/scripts/build.test.ts': "export default '../../scripts/build.mjs';\n",
  },
  'sources without code that runs, and without a test': {
    'src/base/json.ts': 'export type Json = string;\nexport interface Head { json: Json }\n',
    'src/base/index.ts': "import './json.ts';\nexport type * from './json.ts';\n",
  },
  'a source that a test starts as a program, from dist': {
    'src/cli/main.ts': "import('./tool.ts');\n",
    'src/cli/tool.ts': 'export const tool = 1;\n',
    'test/cli/main.test.ts': "export default new URL('../../dist/cli/main.js', '');\n",
  },
};

for (const [what, files] of Object.entries(sound)) {
  test(`${what} is as it should be`, () => {
    using house = new SmallHouse({ ...SOUND, ...files });
    assert.deepEqual(breachesIn(new Project(house.path)), []);
  });
}

const wrong: Record<string, [files: Record<string, string>, breach: string]> = {
  'a line that is too long': [
    { 'bench/main.ts': `\n// ${'x'.repeat(58)}\n` },
    'bench/main.ts:2: 61 characters in a line of at most 60',
  ],
  'an editor that knows no length': [
    { '.editorconfig': 'root = true\n' },
    '.editorconfig:1: it states no max_line_length',
  ],
  'a name that two files export': [
    { 'src/os/wait.ts': 'export const PAUSE_MS = 5;\nexport interface call {}\n' },
    'src/os/wait.ts:2: src/os/call.ts exports another call',
  ],
  'a name that two files export, one in a list': [
    { 'src/os/wait.ts': 'export const PAUSE_MS = 5;\nclass Own {}\nexport { Own as call };\n' },
    'src/os/wait.ts:3: src/os/call.ts exports another call',
  ],
  'a quantity without a unit': [
    { 'src/os/wait.ts': '\nconst PAUSE = 5;\nexport const wait = PAUSE;\n' },
    `src/os/wait.ts:2: PAUSE ${NO_UNIT}`,
  ],
  'calculated, exported, of bigint': [
    { 'scripts/build.mjs': 'export const STATUS = -(2n * (1n + 3n));\n' },
    `scripts/build.mjs:1: STATUS ${NO_UNIT}`,
  ],
  'a folder of 23 files': [room(23), 'src/memory:1: 23 files in a folder of at most 22'],
  'a function of 71 lines': [
    { 'src/os/wait.ts': `class Wait {\n  now(): void {\n${lines(69)}  }\n}\nexport const wait = Wait;\n` },
    'src/os/wait.ts:2: now has 71 lines, a function at most 70',
  ],
  'a file of 401 lines': [
    { 'src/os/wait.ts': `export const wait = '';\n${lines(420)}` },
    'src/os/wait.ts:421: 421 lines in a file of at most 420',
  ],
  'a circle of types': [
    { 'src/os/wait.ts': "import type { call } from './call.ts';\nexport type Wait = typeof call;\n" },
    'src/os/call.ts:1: a circle of files: os/call.ts imports os/wait.ts (os/call.ts:1), ' +
      'os/wait.ts imports os/call.ts (os/wait.ts:1)',
  ],
  'a test of nothing in its room': [
    { 'test/os/cal.test.ts': loads('../../src/os/call.ts') },
    "test/os/cal.test.ts:1: its name begins with that of no source in src/os/, nor with the room's",
  ],
  'a test that does not load what it is named after': [
    { 'test/os/wait.test.ts': loads('./support/help.ts') },
    'test/os/wait.test.ts:1: it is named after src/os/wait.ts, and does not load it',
  ],
  'a test of no room': [
    { 'test/attic/box.test.ts': '' },
    'test/attic/box.test.ts:1: there is no folder src/attic that it could test',
  ],
  'what is no test among the tests': [
    { 'test/os/call.tests.ts': '' },
    'test/os/call.tests.ts:1: it is no test, and lies in no folder support or children',
  ],
  'a source that tests of another room load alone': [
    {
      'src/base/text.ts': "export const text = '';\n",
      'test/os/call.test.ts': loads('../../src/os/call.ts', '../../src/base/text.ts'),
    },
    'src/base/text.ts:1: no test in test/base/ loads it',
  ],
};

for (const [what, [files, breach]] of Object.entries(wrong)) {
  test(`${what} is found, and nothing else`, () => {
    using house = new SmallHouse({ ...SOUND, ...files });
    assert.deepEqual(breachesIn(new Project(house.path)), [breach]);
  });
}

test('the check fails with what it found, or passes', () => {
  using house = new SmallHouse(SOUND);
  assert.deepEqual(house.check(SCRIPT), { code: 0, breaches: [] });
  house.write({ 'src/os/wait.ts': 'const PAUSE = 5;\nexport const PAUSE_MS = PAUSE;\n' });
  assert.deepEqual(house.check(SCRIPT), { code: 1, breaches: [`src/os/wait.ts:1: PAUSE ${NO_UNIT}`] });
});
