/** Options whose value may be the argument behind them. */
const SHORT_WITH_VALUE = /^-[ABCefm]/;
const LONG_WITH_VALUE = new RegExp(
  '^--(?:regexp|file|max-count|context|after-context|before-context|include|exclude|exclude-dir|label|' +
    'group-separator)$',
);

/**
 * Writes arguments as commander understands them, where GNU's way is another: -NUM for -C NUM, and --color,
 * whose value only follows an equals sign.
 */
export function plainArguments(args: readonly string[]): string[] {
  const plain: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const argument = args[at] as string;
    if (argument === '--') return [...plain, ...args.slice(at)];
    const isShort = /^-[^-]/.test(argument);
    if (!isShort)
      plain.push(argument.replace(/^--colou?r(?==|$)/, '--color').replace(/^--color$/, '--color=auto'));
    else plain.push(...splitShort(argument));
    const last = plain.at(-1) as string;
    const wantsValue = isShort
      ? last.length === 2 && SHORT_WITH_VALUE.test(last)
      : LONG_WITH_VALUE.test(last);
    if (wantsValue && at + 1 < args.length) plain.push(args[++at] as string);
  }
  return plain;
}

/** `-n5A2` as `-n`, `-C5` and `-A2`. */
function splitShort(argument: string): string[] {
  const options: string[] = [];
  for (let rest = argument.slice(1); rest !== ''; ) {
    const digits = /^\d+/.exec(rest)?.[0];
    const option = digits === undefined ? `-${rest[0]}` : `-C${digits}`;
    if (digits === undefined && SHORT_WITH_VALUE.test(option)) return [...options, `-${rest}`];
    options.push(option);
    rest = rest.slice(digits?.length ?? 1);
  }
  return options;
}
