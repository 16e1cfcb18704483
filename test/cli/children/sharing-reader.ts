/**
 * Reads the standard input as the tools do, and says what came: how many bytes, how many of them in memory of
 * the writer's, how many otherwise after the first of these; and the digest of all.
 */
import { createHash } from 'node:crypto';
import { Input } from '../../../src/cli/tools/input.ts';
import { ImportedChunk } from '../../../src/memory/imported-chunk.ts';

const input = new Input('-');
const hash = createHash('sha256');
let bytes = 0;
let shared = 0;
let relapsed = 0;
for (;;) {
  const block = await input.next();
  if (block === undefined) break;
  hash.update(block.bytes);
  const { length } = block.bytes;
  bytes += length;
  using part = block.share?.(0, length);
  const isShared = part?.slices().every(({ lease }) => lease.chunk instanceof ImportedChunk) ?? false;
  if (isShared && part?.equals(block.bytes)) shared += length;
  else if (shared > 0) relapsed += length;
}
console.log(JSON.stringify({ bytes, shared, relapsed, sha256: hash.digest('hex') }));
