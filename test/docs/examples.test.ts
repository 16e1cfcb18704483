import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { type Example, examplesInPage, examplesInSource } from './support/find-examples.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
// Inside of the package, whose types and settings hold for them.
mkdirSync(join(root, 'dist'), { recursive: true });
const folder = mkdtempSync(join(root, 'dist', 'examples-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const pages = readdirSync(join(root, 'docs')).filter(file => file.endsWith('.md'));
const examples = [
  ...examplesInSource(root),
  ...pages.flatMap(page => examplesInPage(root, join('docs', page))),
];
const written = examples.map(write);

/** Puts an example's files in a folder of its own. @returns their paths */
function write({ files }: Example, index: number): string[] {
  const place = join(folder, `${index}`);
  mkdirSync(place);
  return files.map(({ name, code }) => {
    const path = join(place, `${name}.ts`);
    // Always a module, and always the sources.
    writeFileSync(path, `${toSources(code)}\nexport {};\n`);
    return path;
  });
}

/** Imports of the package become imports of its sources, and './child.js' what it was written as. */
function toSources(code: string): string {
  return code
    .replace(/'iolite'/g, `'${join(root, 'src/index.ts')}'`)
    .replace(/'iolite\/(\w+)'/g, (_, name) => `'${join(root, 'src', name, 'index.ts')}'`)
    .replace(/'(\.\/[\w-]+)\.js'/g, "'$1.ts'");
}

test('the documentation has examples', () => {
  assert(examples.length > 0);
});

test('the examples of the documentation have no type errors', () => {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram(written.flat(), options);
  const errors = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const place = Number(file?.fileName.slice(folder.length + 1).split('/', 1)[0]);
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line + 1;
    const where = examples[place]?.name ?? file?.fileName;
    return `${where}, its line ${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
  assert.deepEqual(errors, []);
});

describe('the examples of the documentation run', { concurrency: 2 }, () => {
  for (const [index, { name }] of examples.entries()) {
    test(name, async () => {
      const args = ['--import', 'tsx', '--expose-gc', written[index]?.[0] as string];
      // Rejects with what it wrote, unless it ends with exit code 0.
      await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 60_000 });
    });
  }
});
