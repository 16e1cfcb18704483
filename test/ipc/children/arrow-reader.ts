/** Answers with what it finds in Arrow tables, and where their columns lie. */
import { tableFromIPC } from 'apache-arrow';
import { parentChannel } from '../../../src/ipc/index.ts';
import { holdings } from '../../support/holdings.ts';

const channel = parentChannel();
channel.onRequest(({ body }) => {
  if (body === undefined) return {};
  const views = body.views();
  const [bytes] = views;
  const table = tableFromIPC(bytes as Uint8Array);
  const columns = table.schema.fields.flatMap(({ name }) => {
    const column = table.getChild(name);
    return (column?.data ?? []).flatMap(({ values, valueOffsets, nullBitmap }) =>
      [values, valueOffsets, nullBitmap]
        .filter(each => ArrayBuffer.isView(each) && each.byteLength > 0)
        .map(each => {
          const { buffer, byteOffset, byteLength } = each as Uint8Array;
          return { name, own: buffer !== bytes?.buffer, at: byteOffset, length: byteLength };
        }),
    );
  });
  const prices: Float64Array = table.getChild('price')?.toArray();
  const sum = prices.reduce((a, b) => a + b, 0);
  const head = {
    views: views.length,
    start: bytes?.byteOffset ?? -1,
    length: bytes?.byteLength ?? -1,
    rows: table.numRows,
    batches: table.batches.length,
    last: table.getChild('name')?.get(table.numRows - 1) as string,
    sum,
    columns,
    mappings: holdings().mappings,
  };
  body.release();
  return { head };
});
