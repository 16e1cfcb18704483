/** Options of node that are followed by a program, or say what it is: a child has one of its own. */
const WITH_VALUE = new Set(['-e', '--eval', '-p', '--print', '-pe', '--input-type']);
const ALONE = new Set(['-i', '--interactive', '-c', '--check', '--test', '--watch']);

/**
 * The options for node that a child gets from this process: its own, but for those that name a program. With
 * `node -e` a child would otherwise run that program instead of its module, and fork in turn.
 */
export function inheritedOptions(own: readonly string[] = process.execArgv): string[] {
  const options: string[] = [];
  for (let at = 0; at < own.length; at++) {
    const option = own[at] as string;
    const [name = ''] = option.split('=', 1);
    if (ALONE.has(option)) continue;
    if (!WITH_VALUE.has(name)) options.push(option);
    // Node takes what begins with a hyphen for the next option.
    else if (name === option && own[at + 1]?.startsWith('-') === false) at += 1;
  }
  return options;
}
