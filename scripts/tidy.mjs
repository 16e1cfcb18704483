/**
 * `npm run tidy`: what holds everywhere in the house, and no type or linter checks. Tells of each breach
 * where it is and what it is; knows no exceptions. `node scripts/tidy.mjs [root]`
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Project } from './tidy/project.mjs';
import { breachesIn } from './tidy/rules.mjs';

const project = new Project(resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url))));
const breaches = breachesIn(project);
for (const breach of breaches) console.error(breach);
if (breaches.length > 0) process.exit(1);
console.log(`${project.files.length} files are tidy`);
