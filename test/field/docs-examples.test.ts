import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import ts from 'typescript';
import { type Example, examplesInPage, examplesInSource } from '../docs/support/find-examples.ts';
import { ROOT } from '../support/root.ts';

// Inside of the package, whose types and settings hold for them.
mkdirSync(join(ROOT, 'dist'), { recursive: true });
const folder = mkdtempSync(join(ROOT, 'dist', 'examples-'));
after(() => rmSync(folder, { recursive: true, force: true }));

// The sources, compiled as the package is, and the examples beside them.
const compiled = join(folder, 'compiled');

const pages = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).filter(file =>
  file.endsWith('.md'),
);
const examples = [
  ...examplesInSource(ROOT),
  ...pages.flatMap(page => examplesInPage(ROOT, join('docs', page))),
];
const written = examples.map(write);

/** Puts an example's files in a folder of its own. @returns their paths */
function write({ files }: Example, index: number): string[] {
  const place = join(folder, `${index}`);
  mkdirSync(place);
  return files.map(({ name, code }) => {
    const path = join(place, `${name}.ts`);
    // Always a module.
    writeFileSync(path, `${toSources(code, place)}\nexport {};\n`);
    return path;
  });
}

/** Imports of the package become imports of its sources. */
function toSources(code: string, place: string): string {
  return code.replace(
    /\b(from |import |import\()'iolite(?:\/(\w+))?'/g,
    (_, start: string, subpath = '.') =>
      `${start}'${relative(place, join(ROOT, 'src', subpath, 'index.ts'))}'`,
  );
}

/** Compiles all examples in one go. @returns what the compiler finds fault with */
function compile(): string[] {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  // What runs in processes of its own nobody imports.
  const programs = [
    'src/http/app/app-side/app-process.ts',
    'src/ipc/meet/launcher.ts',
    'src/ipc/workers/worker-program.ts',
  ].map(path => join(ROOT, path));
  const program = ts.createProgram([...written.flat(), ...programs], {
    ...options,
    noEmit: false,
    rootDir: ROOT,
    outDir: compiled,
  });
  const { diagnostics } = program.emit();
  return [...ts.getPreEmitDiagnostics(program), ...diagnostics].map(({ file, start, messageText }) => {
    const place = Number(file?.fileName.slice(folder.length + 1).split('/', 1)[0]);
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start ?? 0).line + 1;
    const where = examples[place]?.name ?? file?.fileName;
    return `${where}, its line ${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

test('the documentation has examples, without type errors', () => {
  assert(examples.length > 0);
  assert.deepEqual(compile(), []);
});

describe('the examples of the documentation run', { concurrency: 2 }, () => {
  for (const [index, { name }] of examples.entries()) {
    test(name, async () => {
      const [first = ''] = written[index] ?? [];
      const path = join(compiled, relative(ROOT, first).replace(/\.ts$/, '.js'));
      // Rejects with what it wrote, unless it ends with exit code 0.
      const ending = promisify(execFile)(process.execPath, ['--expose-gc', path], {
        cwd: ROOT,
        timeout: 60_000,
      });
      // Those that read their input have none.
      ending.child.stdin?.end();
      await ending;
    });
  }
});
