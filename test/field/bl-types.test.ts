import assert from 'node:assert/strict';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { ROOT } from '../support/root.ts';

/** What bl checks its own types by: it imports them by this name. */
const THEIRS = fileURLToPath(new URL('test/types.ts', import.meta.resolve('bl')));
const THEIR_TYPES = "'../types/index.js'";
const OURS = join(ROOT, 'src/bl/index.ts');
const CONFIG = join(ROOT, 'tsconfig.json');

test('iolite/bl passes the checks of the types of bl', () => {
  const { config } = ts.readConfigFile(CONFIG, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(CONFIG));
  // They declare much that they do not use.
  options.noUnusedLocals = false;
  const host = ts.createCompilerHost(options);
  const { readFile } = host;
  let isReplaced = false;
  host.readFile = name => {
    const text = readFile(name);
    if (name !== THEIRS) return text;
    isReplaced = text?.includes(THEIR_TYPES) === true;
    return text?.replace(THEIR_TYPES, `'${relative(dirname(THEIRS), OURS)}'`);
  };
  const program = ts.createProgram([THEIRS], options, host);
  const problems = ts.getPreEmitDiagnostics(program);
  assert.equal(ts.formatDiagnostics(problems, { ...host, getNewLine: () => '\n' }), '');
  assert.ok(isReplaced);
});
