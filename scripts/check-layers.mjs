/**
 * `npm run check:layers`: checks the imports of src/, of types as well as of code: see scripts/layers.mjs.
 * `node scripts/check-layers.mjs [root]`
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { layerBreachesIn } from './layers.mjs';

const breaches = layerBreachesIn(resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url))));
for (const breach of breaches) console.error(breach);
if (breaches.length > 0) process.exit(1);
console.log('Storeys hold, no circles');
