/** Fills its descriptor table, and says how it is to open a file then, and afterwards. */
import { closeSync, openSync } from 'node:fs';
import { DescriptorFill } from '../../../../chaos/actors/descriptor-fill.ts';
import { Tally } from '../../../../chaos/tally.ts';

const LONG_MS = 2 ** 30;
const fill = new DescriptorFill({ tally: new Tally() });
const attempt = (): string => {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return 'open';
  } catch (error) {
    return `${(error as NodeJS.ErrnoException).code}`;
  }
};
fill.fill(LONG_MS);
const full = attempt();
fill.clear();
console.log(JSON.stringify({ full, after: attempt() }));
