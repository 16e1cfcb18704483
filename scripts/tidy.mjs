/**
 * `npm run tidy`: what holds everywhere in the house, and no type or linter checks. Each rule is a file of
 * scripts/tidy/, which says what it covers. Tells of each breach where it is and what it is; knows no
 * exceptions. `node scripts/tidy.mjs [root]`
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importCircles } from './tidy/circles.mjs';
import { longLines } from './tidy/lines.mjs';
import { sharedNames } from './tidy/names.mjs';
import { Project } from './tidy/project.mjs';
import { fullFolders, longFiles, longFunctions } from './tidy/sizes.mjs';
import { misplacedTests, untestedSources } from './tidy/tests.mjs';
import { unitless } from './tidy/units.mjs';

/** Each gives what breaks it, as `{ path, line, what }`. */
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

const project = new Project(resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url))));
const breaches = RULES.flatMap(rule => rule(project));
breaches.sort((a, b) => a.path.localeCompare(b.path, 'en') || a.line - b.line);
for (const { path, line, what } of breaches) console.error(`${path}:${line}: ${what}`);
if (breaches.length > 0) {
  console.error(`${breaches.length} breaches`);
  process.exit(1);
}
console.log(`${project.files.length} files are tidy`);
