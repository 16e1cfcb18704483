#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { endBySignals } from './first-process.ts';

/** Adds a command to the program. */
type Definition = (program: Command) => void;

/**
 * The commands, each loaded only when it is asked for: a tool in a pipeline starts often and runs briefly.
 */
const COMMANDS: Record<string, () => Promise<Definition>> = {
  serve: async () => (await import('./serve/serve-command.ts')).defineServe,
  top: async () => (await import('./top/top.ts')).defineTop,
  cat: async () => (await import('./tools/cat.ts')).defineCat,
  grep: async () => (await import('./tools/grep/grep.ts')).defineGrep,
  wc: async () => (await import('./tools/wc.ts')).defineWc,
  permute: async () => (await import('./tools/permute.ts')).definePermute,
  bench: async () => (await import('./bench/bench.ts')).defineBench,
};

/**
 * Lets V8 keep what it has compiled, where Node.js can (22.1): in a folder of this user's own, for what lies
 * there is run.
 */
function keepCompiled(): void {
  const { enableCompileCache } = module as { enableCompileCache?: (folder: string) => unknown };
  const { HOME, XDG_CACHE_HOME = HOME && join(HOME, '.cache') } = process.env;
  if (XDG_CACHE_HOME) enableCompileCache?.(join(XDG_CACHE_HOME, 'iolite'));
}

const TOOLS: ReadonlySet<string> = new Set(['cat', 'grep', 'wc', 'permute']);
const USAGE_ERROR_CODE = 0x02;

function version(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}

/** The program, with the command of that name, or with all where there is none of it. */
async function programFor(name: string | undefined): Promise<Command> {
  const known = name !== undefined && Object.hasOwn(COMMANDS, name) ? name : undefined;
  const prefix = known === undefined || known === 'serve' ? 'iolite' : `iolite ${known}`;
  const program = new Command('iolite')
    .description('One physical copy of I/O data, shared read-only by the processes that use it.')
    .version(version())
    // The tools say what those say whose names they have.
    .showSuggestionAfterError(!TOOLS.has(known ?? ''))
    .configureOutput({
      // On one line.
      outputError: (text, write) =>
        write(text.replace(/^error: /, `${prefix}: `).replace(/\n\(D(id you mean .*)\)/, '; d$1')),
    })
    .exitOverride();
  const wanted = known === undefined ? Object.keys(COMMANDS) : [known];
  const definitions = await Promise.all(
    wanted.map(command => (COMMANDS[command] as () => Promise<Definition>)()),
  );
  for (const define of definitions) define(program);
  return program;
}

endBySignals();
keepCompiled();
try {
  const program = await programFor(process.argv[2]);
  await program.parseAsync();
  process.exit();
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : USAGE_ERROR_CODE);
  const known = 'code' in (error as Error);
  process.stderr.write(`iolite: ${known ? (error as Error).message : String((error as Error).stack)}\n`);
  process.exit(1);
}
