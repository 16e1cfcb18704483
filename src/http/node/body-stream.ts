import { Readable } from 'node:stream';
import { Aggregate } from '../../aggregate/aggregate.ts';
import type { Body } from '../message/body.ts';

/**
 * A body as a stream of Node's, for those who want one: of copies, which whoever reads them may keep.
 * @param body taken over: it is released when the stream has ended or is destroyed
 */
export function copiesOf(body: Body): Readable {
  if (!Aggregate.isAggregate(body)) return Readable.from(buffersOf(body), { objectMode: false });
  try {
    return body.toReadable();
  } finally {
    body.release();
  }
}

async function* buffersOf(body: AsyncIterable<Aggregate>): AsyncGenerator<Buffer> {
  for await (const piece of body) {
    try {
      yield piece.toBuffer();
    } finally {
      piece.release();
    }
  }
}
