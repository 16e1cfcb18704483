import { importCircles } from './circles.mjs';
import { longLines } from './lines.mjs';
import { sharedNames } from './names.mjs';
import { fullFolders, longFiles, longFunctions } from './sizes.mjs';
import { misplacedTests, untestedSources } from './tests.mjs';
import { unitless } from './units.mjs';

/** Each says what it covers, and gives what breaks it, as `{ path, line, what }`. */
const RULES = [
  longLines,
  sharedNames,
  unitless,
  fullFolders,
  longFunctions,
  longFiles,
  importCircles,
  misplacedTests,
  untestedSources,
];

/** What breaks the rules in a project, as `path:line: what`, in the order of the paths. */
export function breachesIn(project) {
  return RULES.flatMap(rule => rule(project))
    .sort((a, b) => a.path.localeCompare(b.path, 'en') || a.line - b.line)
    .map(({ path, line, what }) => `${path}:${line}: ${what}`);
}
