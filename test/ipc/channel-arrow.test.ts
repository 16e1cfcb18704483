import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordBatchStreamWriter, Table, Utf8, vectorFromArray } from 'apache-arrow';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';
import { Family } from '../support/family.ts';
import { watchdog } from '../support/watchdog.ts';

const READER = new URL('./children/arrow-reader.ts', import.meta.url);
const ROWS = 100_000;

interface Report {
  readonly views: number;
  readonly start: number;
  readonly length: number;
  readonly rows: number;
  readonly batches: number;
  readonly last: string;
  readonly sum: number;
  readonly columns: readonly { name: string; own: boolean; at: number; length: number }[];
  readonly mappings: number;
}

function prices(): Table {
  const names = Array.from({ length: ROWS }, (_, i) => (i % 10 === 3 ? null : `no. ${i}`));
  return new Table({
    id: vectorFromArray(Int32Array.from({ length: ROWS }, (_, i) => i)),
    price: vectorFromArray(Float64Array.from({ length: ROWS }, (_, i) => i / 4)),
    name: vectorFromArray(names, new Utf8()),
  });
}

/** Serialised once, into a buffer that can be shared. */
function toPool(table: Table, pool: Pool) {
  const bytes = RecordBatchStreamWriter.writeAll(table).toUint8Array(true);
  const draft = pool.allocate(bytes.length);
  draft.bytes.set(bytes);
  return draft.seal();
}

test('a table is read in place by several processes', async () => {
  await using family = new Family();
  using pool = createPool({ kind: 'seal' });
  using body = toPool(prices(), pool);
  const [slice] = body.slices();
  for (let i = 0; i < 3; i++) {
    const { channel } = await family.fork(READER);
    const { head } = await watchdog(channel.request({ body }), 'the report');
    const report = head as unknown as Report;
    assert.equal(report.rows, ROWS);
    assert.equal(report.sum, (ROWS * (ROWS - 1)) / 2 / 4);
    assert.equal(report.last, `no. ${ROWS - 1}`);
    // The view is the mapped chunk: it begins where the slice does, and there is no other mapping.
    assert.deepEqual([report.views, report.mappings], [1, 1]);
    assert.deepEqual([report.start, report.length], [slice?.id.offset, body.length]);
    const named = new Set(report.columns.map(({ name }) => name));
    assert.deepEqual([...named].sort(), ['id', 'name', 'price']);
    for (const { name, own, at, length } of report.columns) {
      assert.ok(!own, `column ${name} was copied`);
      assert.ok(at >= report.start && at + length <= report.start + report.length);
    }
  }
  assert.equal(pool.stats().chunks, 1);
});
