import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import { ROOT } from '../support/root.ts';

const PROGRAM = join(ROOT, 'program.cts');
const require = createRequire(PROGRAM);

test('require() gives what import gives: the stream, with the list', async () => {
  const bl = require('iolite/bl');
  const imported = await import(require.resolve('iolite/bl').replace(/\.cjs$/, '.js'));
  assert.equal(bl, imported.default);
  assert.equal(bl().append('ab').append(['c']).toString(), 'abc');
  assert.deepEqual([bl.BufferListStream, bl.BufferList], [imported.BufferListStream, imported.BufferList]);
  assert.equal(bl.isBufferList(bl.BufferList()), true);
  assert.equal(require('iolite/bl/BufferList'), bl.BufferList);
});

/** What the compiler says of a program in CommonJS that uses the package by its name. */
function problems(program: string): string {
  const options: ts.CompilerOptions = {
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  };
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = name => name === PROGRAM || fileExists(name);
  host.readFile = name => (name === PROGRAM ? program : readFile(name));
  host.getSourceFile = (name, ...rest) =>
    name === PROGRAM
      ? ts.createSourceFile(name, program, ts.ScriptTarget.ES2022)
      : getSourceFile(name, ...rest);
  const found = ts.getPreEmitDiagnostics(ts.createProgram([PROGRAM], options, host));
  return ts.formatDiagnostics(found, { ...host, getNewLine: () => '\n' });
}

test('programs in CommonJS have its types, of values and of names', () => {
  const program = `
import bl = require('iolite/bl');
import List = require('iolite/bl/BufferList');
import defaultOf, { BufferList, BufferListStream, type Collected } from 'iolite/bl';

const stream: bl = bl((error, bytes) => void [error?.message, bytes?.length]);
const list: List = List(['a', stream]);
const same: bl.BufferList = new bl.BufferList(list);
const other: BufferListStream = new defaultOf(same);
const collected: Collected = () => {};
export const total: number = stream.length + BufferList().length + other.readUInt8(0) + collected.length;
export const isList: boolean = bl.isBufferList(list);
// @ts-expect-error: it has types.
export const text: string = bl().length;
`;
  assert.equal(problems(program), '');
});
