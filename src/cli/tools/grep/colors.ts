/** How the parts of grep's output look: parameters of the terminal's SGR sequence, empty for no change. */
export interface Colors {
  readonly selectedMatch: string;
  readonly contextMatch: string;
  readonly selectedLine: string;
  readonly contextLine: string;
  readonly name: string;
  readonly number: string;
  readonly offset: string;
  readonly separator: string;
  /** Whether those of selected lines and context change places with -v. */
  readonly swaps: boolean;
  /** Whether the rest of the line is erased with each change. */
  readonly erases: boolean;
}

const FIELDS: Record<string, readonly (keyof Colors)[]> = {
  mt: ['selectedMatch', 'contextMatch'],
  ms: ['selectedMatch'],
  mc: ['contextMatch'],
  sl: ['selectedLine'],
  cx: ['contextLine'],
  fn: ['name'],
  ln: ['number'],
  bn: ['offset'],
  se: ['separator'],
};

/**
 * GNU's colors, with those that GREP_COLORS names: `ms=01;32:fn=34`. What is behind something malformed is
 * ignored.
 */
export function colorsOf(text = ''): Colors {
  const colors = {
    selectedMatch: '01;31',
    contextMatch: '01;31',
    selectedLine: '',
    contextLine: '',
    name: '35',
    number: '32',
    offset: '32',
    separator: '36',
    swaps: false,
    erases: true,
  };
  for (const part of text.split(':')) {
    const [, field = '', value] = /^([a-z]{2})(?:=([\d;]*))?$/.exec(part) ?? [];
    if (field === '') break;
    if (field === 'rv') colors.swaps = true;
    else if (field === 'ne') colors.erases = false;
    else if (value !== undefined)
      for (const name of FIELDS[field] ?? []) Object.assign(colors, { [name]: value });
  }
  return colors;
}

/** The text as a terminal shows it in a color. */
export function colored(text: string, color: string, colors: Colors): string {
  if (color === '') return text;
  return `${colorStart(color, colors)}${text}\x1b[m${eraseOf(colors)}`;
}

/** What begins a color. */
export function colorStart(color: string, colors: Colors): string {
  return color === '' ? '' : `\x1b[${color}m${eraseOf(colors)}`;
}

function eraseOf({ erases }: Colors): string {
  return erases ? '\x1b[K' : '';
}
