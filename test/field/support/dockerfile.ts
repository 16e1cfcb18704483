/** An instruction of a Dockerfile and what is behind it. */
export type Instruction = readonly [name: string, rest: string];

/** Its instructions, in order, each on one line. */
export function parseDockerfile(text: string): readonly Instruction[] {
  return text
    .replace(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => {
      const [, name, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
      if (name === undefined || rest === undefined)
        throw new Error(`Cannot read a Dockerfile: an instruction is wanted, ${line} was given`);
      return [name, rest] as const;
    });
}

/** What is behind all instructions of one name. */
export function allOf(instructions: readonly Instruction[], wanted: string): readonly string[] {
  return instructions.filter(([name]) => name === wanted).map(([, rest]) => rest);
}

/** The last one's: it is what holds. @throws Error where there is none */
export function lastOf(instructions: readonly Instruction[], wanted: string): string {
  const last = allOf(instructions, wanted).at(-1);
  if (last === undefined) throw new Error(`Cannot use a Dockerfile: it has no ${wanted}`);
  return last;
}

/** The words of an instruction in its JSON form, which no shell reads. @throws Error where it has another. */
export function wordsOf(rest: string): readonly [string, ...string[]] {
  return JSON.parse(rest.slice(rest.indexOf('[')));
}
