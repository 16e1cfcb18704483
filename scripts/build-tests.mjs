/**
 * Strips the types of src/, of test/ and of what tests load beside them into dist-test/, of what is newer
 * there, so that neither a test nor a program that it starts compiles anything: a suite of some thousand
 * processes takes half the time. All else that lies in the root is linked there, so that paths lead where
 * they lead from test/.
 */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(ROOT, 'dist-test');
const SOURCES = ['src', 'test', 'model', 'fuzz', 'chaos'];
/** Where a module is named for a process or a thread, or loaded later: other imports the compiler renames. */
const MODULE_URL = /(\b(?:URL|resolve|await import)\(\s*)(['"`])(\.{1,2}\/[^'"`\n]*)\.ts\2/g;

const entriesOf = folder => readdirSync(folder, { recursive: true, withFileTypes: true });
const builtName = name => name.replace(/\.ts$/, '.js');

/** @returns the folder in which tests are as JavaScript, at the same paths */
export function buildTests() {
  // Not there before the first installation.
  const made = statSync(fileURLToPath(import.meta.url)).mtimeMs;
  const ts = createRequire(import.meta.url)('typescript');
  mkdirSync(OUT, { recursive: true });
  linkRoot();
  for (const source of SOURCES) {
    mkdirSync(join(OUT, source), { recursive: true });
    const kept = new Set();
    for (const entry of entriesOf(join(ROOT, source))) {
      if (!entry.isFile()) continue;
      const from = join(entry.parentPath, entry.name);
      const to = join(OUT, builtName(from.slice(ROOT.length)));
      kept.add(to);
      const newest = Math.max(made, statSync(from).mtimeMs);
      if (newest <= (statSync(to, { throwIfNoEntry: false })?.mtimeMs ?? 0)) continue;
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, from.endsWith('.ts') ? stripped(from, ts) : readFileSync(from));
    }
    removeOthers(join(OUT, source), kept);
  }
  return OUT;
}

function stripped(file, ts) {
  const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), {
    fileName: file,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
      inlineSourceMap: true,
    },
  });
  return outputText.replace(MODULE_URL, '$1$2$3.js$2');
}

/** What is no longer in the source would otherwise be tested still. */
function removeOthers(folder, kept) {
  for (const entry of entriesOf(folder)) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !kept.has(path)) rmSync(path);
  }
}

function linkRoot() {
  // What was linked once and is built now: to build into the link would be to write into the source.
  for (const source of SOURCES)
    if (lstatSync(join(OUT, source), { throwIfNoEntry: false })?.isSymbolicLink()) rmSync(join(OUT, source));
  const there = new Set(readdirSync(OUT));
  for (const name of readdirSync(ROOT)) {
    if (SOURCES.includes(name) || there.has(name) || name === 'dist-test') continue;
    symlinkSync(join('..', name), join(OUT, name));
  }
}
