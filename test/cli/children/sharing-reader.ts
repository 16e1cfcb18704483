/**
 * Reads the standard input as the tools do, and says what came: how many bytes, how many of them as
 * aggregates, how many otherwise after the first aggregate; and the digest of all.
 */
import { createHash } from 'node:crypto';
import { Input } from '../../../src/cli/tools/input.ts';

const input = new Input('-');
const hash = createHash('sha256');
let bytes = 0;
let shared = 0;
let relapsed = 0;
for (;;) {
  const block = await input.next();
  if (block === undefined) break;
  hash.update(block.bytes);
  bytes += block.bytes.length;
  if (block.share === undefined) {
    if (shared > 0) relapsed += block.bytes.length;
    continue;
  }
  using part = block.share(0, block.bytes.length);
  if (part.equals(block.bytes)) shared += part.length;
}
console.log(JSON.stringify({ bytes, shared, relapsed, sha256: hash.digest('hex') }));
