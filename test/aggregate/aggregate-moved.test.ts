import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { ReadableStream } from 'node:stream/web';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createPool } from '../../src/aggregate/pool.ts';

type Mover = (view: Uint8Array) => Promise<unknown>;

/** What moves the memory of a view to an ArrayBuffer of its own. */
const MOVERS: Record<string, Mover> = {
  'enqueue()': async view => {
    const stream = new ReadableStream({
      type: 'bytes',
      start: controller => {
        controller.enqueue(view);
        controller.close();
      },
    });
    return (await buffer(stream)).toString();
  },
  'a BYOB reader': async view => {
    const stream = new ReadableStream({
      type: 'bytes',
      pull: controller => controller.byobRequest?.respond(1),
    });
    return (await stream.getReader({ mode: 'byob' }).read(view)).value;
  },
  'structuredClone()': async view => structuredClone(view, { transfer: [view.buffer as ArrayBuffer] }),
};
MOVERS['postMessage()'] = async view => {
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage(view, [view.buffer as ArrayBuffer]);
  } finally {
    port1.close();
    port2.close();
  }
};
const { transfer } = ArrayBuffer.prototype as unknown as { transfer?: (this: ArrayBufferLike) => unknown };
if (transfer !== undefined) MOVERS['transfer()'] = async view => transfer.call(view.buffer);

for (const memory of ['shared', 'heap'] as const) {
  for (const [name, move] of Object.entries(MOVERS)) {
    test(`${name} takes a view away, and nothing from an aggregate or a pool (${memory})`, async () => {
      using pool = createPool({ memory });
      using other = pool.from('abcdefghijklmnopqrstuvwxyz');
      using body = pool.from('hello');
      const draft = pool.allocate(8);
      assert.equal(other.at(0), 0x61);
      await move(body.views()[0] as Buffer).catch(refused);
      await move(draft.bytes).catch(refused);
      for (const piece of body) await move(piece).catch(refused);
      for (const slice of body.slices()) await move(slice.bytes).catch(refused);
      assert.equal(other.toString(), 'abcdefghijklmnopqrstuvwxyz');
      assert.equal(other.at(25), 0x7a);
      assert.equal(Buffer.concat(body.views()).toString(), 'hello');
      draft.bytes.write('12345678');
      using sealed = draft.seal();
      assert.equal(sealed.toString(), '12345678');
      using later = pool.from('later');
      assert.equal(later.toString(), 'later');
    });
  }
}

/** Memory of the heap cannot be moved at all. */
function refused(error: Error): void {
  assert.ok(error instanceof TypeError || error.name === 'DataCloneError', error.message);
}

test('a stream that is given a view has its bytes, and fills a draft that it is given', async () => {
  using pool = createPool();
  using body = pool.from('hello');
  assert.equal(await MOVERS['enqueue()']?.(body.views()[0] as Buffer), 'hello');
  const draft = pool.allocate(5);
  const stream = new ReadableStream({
    type: 'bytes',
    pull: controller => {
      const view = controller.byobRequest?.view as Uint8Array;
      view.set(Buffer.from('world'));
      controller.byobRequest?.respond(5);
    },
  });
  await stream.getReader({ mode: 'byob' }).read(draft.bytes);
  using filled = draft.seal();
  assert.equal(filled.toString(), 'world');
});

test('nothing is unmapped under a stream that holds the bytes of what was collected', async () => {
  const child = new URL('./children/moved-and-collected.ts', import.meta.url);
  const flags = ['--expose-gc', child.pathname];
  const { stdout } = await promisify(execFile)(process.execPath, flags);
  // What was collected before is zeros: nobody could know that it would be asked for.
  assert.equal(stdout, 'hello \0\0\0\0\0\n');
});
