import type { Aggregate } from '../../aggregate/aggregate.ts';
import type { Slice } from '../../aggregate/slice.ts';
import { IoliteError } from '../../base/error.ts';
import type { Credentials } from '../../memory/acl.ts';
import { defaultPool } from '../../memory/default-pool.ts';
import { checkGrantable } from '../chunks/export-table.ts';

/** Slices that are shorter on average cost more to pass, one by one, than to copy. */
const SHORT_BYTES = 256;

/**
 * The same bytes in slices that can be passed to the reader of a pipe, to be released: as they are, or a copy
 * where a pool's ACL does not admit the reader, memory is on the heap, or the slices are very short. For
 * whoever writes into a pipe gives the bytes away, though not the pages. @throws as Pool.allocate
 */
export function passableTo(reader: Credentials, aggregate: Aggregate): Aggregate {
  const slices = aggregate.slices();
  const isShort = slices.length > 1 && aggregate.length < slices.length * SHORT_BYTES;
  const passed = aggregate.duplicate();
  if (!isShort && slices.every(slice => isGrantable(slice, reader))) return passed;
  try {
    return passed.compact({ chunks: defaultPool() });
  } catch (error) {
    passed.release();
    throw error;
  }
}

function isGrantable({ lease }: Slice, reader: Credentials): boolean {
  try {
    checkGrantable(lease.chunk, reader);
    return true;
  } catch (error) {
    if (error instanceof IoliteError) return false;
    throw error;
  }
}
