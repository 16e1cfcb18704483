/**
 * Reads a page that has forms beside it, with ever more descriptors left, and tells of each reading what
 * came: a code, or the codings and whether the bytes were right. Run with a low limit of descriptors.
 */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';

const [folder] = process.argv.slice(2) as [string];
const TEXT = 'words that come again and again, '.repeat(1000);
const pages = Array.from({ length: 12 }, (_, i) => `${folder}/${i}.html`);
for (const page of pages) {
  writeFileSync(page, TEXT);
  writeFileSync(`${page}.gz`, gzipSync(TEXT));
}
const cache = createFileCache({ budget: 8 * 1024 ** 2, maxStale: 3_600_000 });

/** Opens what can be opened. */
function exhaust(): number[] {
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    return taken;
  }
}

async function read(page: string): Promise<{ code?: string; codings?: readonly string[]; right?: boolean }> {
  try {
    using snapshot = await cache.snapshot(page);
    using gzip = snapshot.encoded('gzip');
    const bytes =
      gzip === undefined ? snapshot.content?.toBuffer() : gunzipSync(gzip.content?.toBuffer() ?? '');
    return { codings: snapshot.codings, right: bytes?.toString() === TEXT };
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

const results: unknown[] = [];
const taken = exhaust();
for (const page of pages) {
  results.push(await read(page));
  const freed = taken.pop();
  if (freed !== undefined) closeSync(freed);
}
for (const each of taken) closeSync(each);
for (const page of pages) results.push(await read(page));
cache.close();
process.stdout.write(JSON.stringify(results));
