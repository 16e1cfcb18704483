import { writeFileSync } from 'node:fs';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { testServing } from '../../store/support/serving-suite.ts';
import { Folder } from '../../support/folder.ts';

testServing('a file cache', async () => {
  const folder = new Folder();
  const key = folder.file('a');
  writeFileSync(key, 'content of a file');
  const cache = createFileCache({ budget: 1024 ** 2, maxStale: 3_600_000 });
  (await cache.read(key)).release();
  return {
    name: 'files',
    key,
    text: 'content of a file',
    owner: cache,
    serve: (channel, otherwise) => cache.serve(channel, otherwise === undefined ? {} : { otherwise }),
    attached: () => cache.stats().attached,
    dispose: async () => folder[Symbol.dispose](),
  };
});
