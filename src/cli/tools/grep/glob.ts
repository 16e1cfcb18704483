import { CLASSES } from './classes.ts';

/**
 * What fnmatch(3) matches, without flags: `*` and `?` match a slash and a dot in front too, a backslash
 * quotes. As an expression over whole names.
 */
export function globExpression(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; ) {
    const character = pattern[at] as string;
    const bracket =
      character === '[' ? /^\[[!^]?\]?(?:\[:\w+:\]|\\.|[^\]\\])*\]/su.exec(pattern.slice(at)) : null;
    if (bracket !== null) {
      source += bracketSource(bracket[0]);
      at += bracket[0].length;
      continue;
    }
    at += 1;
    if (character === '*') source += '.*';
    else if (character === '?') source += '.';
    else if (character === '\\' && at < pattern.length) source += quoted(pattern[at++] as string);
    else source += quoted(character);
  }
  return new RegExp(`^${source}$`, 's');
}

/** Whether a pattern is more than a name. */
export function isGlob(pattern: string): boolean {
  return /[*?[\\]/.test(pattern);
}

function bracketSource(bracket: string): string {
  const isNegated = bracket[1] === '!' || bracket[1] === '^';
  const content = bracket.slice(isNegated ? 2 : 1, -1);
  const source = content.replace(
    /\[:(\w+):\]|\\(.)|([\][\\^])/gsu,
    (_, name?: string, escaped?: string, special?: string) => {
      if (name !== undefined) return Object.hasOwn(CLASSES, name) ? (CLASSES[name] as string) : '';
      return `\\${special ?? escaped}`.replace(/^\\(?=\w)/, '');
    },
  );
  return `[${isNegated ? '^' : ''}${source}]`;
}

function quoted(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
}
