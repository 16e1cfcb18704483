/** Holds what it is told to: memory of ours, mapped; and tells its number. */
import { createPool } from '../../../../src/aggregate/pool.ts';

const pool = createPool({ name: 'planted' });
const held = pool.from(Buffer.alloc(64 * 1024, 1));
process.stdin.on('data', () => {
  held.release();
  pool.trim();
  console.log(JSON.stringify(pool.stats()));
});
console.log(JSON.stringify(pool.stats()));
