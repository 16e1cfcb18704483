import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The cases of a target that are kept: a list of texts of latin1, one a line, in JSON. */
export function readCorpus(folder: string, target: string): Buffer[] {
  try {
    const texts: string[] = JSON.parse(readFileSync(join(folder, `${target}.json`), 'utf8'));
    return texts.map(text => Buffer.from(text, 'latin1'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export function writeCorpus(folder: string, target: string, cases: readonly Buffer[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, `${target}.json`),
    `[\n${cases.map(bytes => `  ${textOf(bytes)}`).join(',\n')}\n]\n`,
  );
}

/** A case as a string of JSON, in ASCII. */
export function textOf(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1')).replace(
    /[\x7f-\xff]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
