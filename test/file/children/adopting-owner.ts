/** Owns a file cache, serves it to its parent, and writes version after version of a file through it. */
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { openFile } from '../../../src/file/open/open-file.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { lengthOf } from '../support/numbered.ts';

const cache = createFileCache({ budget: 16 * 1024 ** 2, maxStale: 20 });
const channel = parentChannel();
const file = await openFile(process.argv[2] as string, 'w', { cache });
cache.serve(channel, { otherwise: () => ({}) });
for (let n = 0; ; n++) {
  await file.replace(Buffer.alloc(lengthOf(n), `<${n}>`));
  await file.sync();
}
