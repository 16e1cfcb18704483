import type { Command } from 'commander';
import { integerArgument } from '../integer-argument.ts';
import { UserError } from '../user-error.ts';
import { Permutations } from './permutations.ts';
import type { Output } from './plain-output.ts';
import { standardOutput } from './standard-output.ts';
import { runTool } from './tool.ts';

interface Options {
  readonly width: number;
  readonly lines?: true;
}

const MAX_WORD_CHARACTERS = 4096;
const MAX_WORDS = 255;

/** Adds `iolite permute` to the program. */
export function definePermute(program: Command): void {
  program
    .command('permute')
    .description(
      'Write all permutations of the words of a string, one behind the other.\n' +
        'Words are cut by their width, not by spaces; the last may be shorter. Ten words have ' +
        '3,628,800 permutations.',
    )
    .argument('<string>')
    .option('-w, --width <n>', 'characters of a word', integerArgument(1, MAX_WORD_CHARACTERS), 4)
    .option('-l, --lines', 'end each permutation with a newline')
    .action(async (text: string, options: Options) => {
      process.exitCode = await runTool('permute', 1, () => permute(wordsOf(text, options.width), options));
    });
}

/** @throws UserError */
function wordsOf(text: string, width: number): Buffer[] {
  const characters = Array.from(text);
  const count = Math.ceil(characters.length / width);
  if (count > MAX_WORDS) {
    throw new UserError(`Cannot permute ${count} words: at most ${MAX_WORDS} are wanted`);
  }
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(characters.slice(i * width, (i + 1) * width).join('')),
  );
}

async function permute(words: readonly Buffer[], { lines }: Options): Promise<number> {
  const output = await standardOutput();
  const end = Buffer.from(lines ? '\n' : '');
  if (words.length > 0) await write(new Permutations(words, end), output);
  else output.put(end);
  await output.end();
  return 0;
}

async function write(permutations: Permutations, output: Output): Promise<void> {
  for (;;) {
    const room = output.allocate(Math.max(output.blockBytes, permutations.length));
    const length = permutations.fill(room.bytes);
    room.commit(length);
    if (length === 0) return;
    await output.flush();
  }
}
