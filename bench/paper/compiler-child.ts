/**
 * A small compiler in pieces, each a process that reads its standard input and writes its standard output:
 * `compiler-child.js <stage> <how>`, with streams of aggregates (`aggregates`) or of Node.js (`streams`).
 *
 * preprocess  leaves out comments and replaces names by what was defined for them
 * compile     turns each function of two parameters into code for a stack
 * assemble    turns each line of that into bytes
 */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { openInput, openOutput } from '../../src/ipc/index.ts';

const [stage = '', how = ''] = process.argv.slice(2);
/** Output is written in pieces of about so many characters, as the library for standard streams has it. */
const PIECE_BYTES = 64 * 1024;
const FUNCTION = /^int (\w+)\(int (\w+), int (\w+)\) \{ return (.*); \}$/;
const RANKS: Readonly<Record<string, number>> = { '+': 1, '-': 1, '*': 2, '/': 2 };
const OPERATIONS: readonly string[] = ['+', '-', '*', '/', 'push', 'load', 'label', 'return'];

const STAGES: Readonly<Record<string, () => (line: string) => string>> = { preprocess, compile, assemble };

function preprocess(): (line: string) => string {
  const defined = new Map<string, string>();
  return line => {
    const define = /^#define (\w+) (.*)$/.exec(line);
    if (define) {
      defined.set(define[1] as string, define[2] as string);
      return '';
    }
    const code = line.replace(/\/\*.*?\*\//g, ' ').trim();
    return code === '' ? '' : `${code.replace(/\b[A-Z]\w*\b/g, name => defined.get(name) ?? name)}\n`;
  };
}

function compile(): (line: string) => string {
  return line => {
    const [, name, first, second, expression = ''] = FUNCTION.exec(line) ?? [];
    if (name === undefined) throw new Error(`This is no function: ${line}`);
    const code = [`label ${name}`];
    const waiting: string[] = [];
    const isDue = (rank: number): boolean => (RANKS[waiting.at(-1) ?? ''] ?? 0) >= rank;
    for (const token of expression.match(/\w+|[-+*/()]/g) ?? []) {
      const rank = RANKS[token];
      if (rank !== undefined) {
        while (isDue(rank)) code.push(waiting.pop() as string);
        waiting.push(token);
      } else if (token === '(') waiting.push(token);
      else if (token === ')') {
        while (waiting.at(-1) !== '(') code.push(waiting.pop() as string);
        waiting.pop();
      } else if (token === first) code.push('load 0');
      else if (token === second) code.push('load 1');
      else code.push(`push ${token}`);
    }
    while (waiting.length > 0) code.push(waiting.pop() as string);
    return `${code.join('\n')}\nreturn\n`;
  };
}

function assemble(): (line: string) => string {
  return line => {
    const [operation = '', operand = ''] = line.split(' ');
    const code = OPERATIONS.indexOf(operation);
    if (code === -1) throw new Error(`This is no operation: ${line}`);
    return String.fromCharCode(code, operand.length) + operand;
  };
}

async function* input(): AsyncGenerator<string> {
  if (how === 'streams') {
    for await (const chunk of createReadStream('', { fd: 0 })) yield (chunk as Buffer).toString('latin1');
    return;
  }
  for await (const part of openInput()) {
    yield part.toString('latin1');
    part.release();
  }
}

/** Of what `translate` makes. */
function output(): { write(text: string): Promise<unknown> | undefined; end(): Promise<unknown> } {
  if (how === 'streams') {
    const { stdout } = process;
    return {
      write: text => (stdout.write(text, 'latin1') ? undefined : once(stdout, 'drain')),
      end: () => new Promise<void>(resolve => stdout.end(() => resolve())),
    };
  }
  const output = openOutput();
  return { write: text => output.write(Buffer.from(text, 'latin1')), end: () => output.end() };
}

const translate = (STAGES[stage] as () => (line: string) => string)();
const { write, end } = output();
let rest = '';
let piece = '';
for await (const text of input()) {
  const lines = (rest + text).split('\n');
  rest = lines.pop() as string;
  for (const line of lines) {
    piece += translate(line);
    if (piece.length < PIECE_BYTES) continue;
    await write(piece);
    piece = '';
  }
}
if (piece !== '') await write(piece);
await end();
