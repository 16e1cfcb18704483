import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the sources lie: tests run as JavaScript in a folder below it. */
export const ROOT = dirname(realpathSync(fileURLToPath(new URL('../../package.json', import.meta.url))));
