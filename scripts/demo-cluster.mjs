/**
 * `npm run demo:cluster`: two machines with four workers each, as one cache, in a demonstration that takes a
 * minute. What follows `--` is the demonstration's: examples/cluster/demo.mjs.
 */
import { build } from './build.mjs';
import { setup } from './setup.mjs';

setup();
await build();
await import('../examples/cluster/demo.mjs');
