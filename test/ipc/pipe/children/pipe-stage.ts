/**
 * A stage of a pipeline: `produce`, `relay` or `consume`, with options as JSON. What it produces is
 * PATTERN, over and over. A consumer says on its standard output what came, a producer and a
 * relay say on stderr whether their output was upgraded, if they are to.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { Aggregate } from '../../../../src/aggregate/aggregate.ts';
import { createPool } from '../../../../src/aggregate/pool.ts';
import { openInput } from '../../../../src/ipc/pipe/open-input.ts';
import { openOutput } from '../../../../src/ipc/pipe/open-output.ts';
import { ImportedChunk } from '../../../../src/memory/imported-chunk.ts';
import { PATTERN, PERIOD_BYTES, type StageOptions } from '../support/pipe-pattern.ts';

const [role, text = '{}'] = process.argv.slice(2);
const options = JSON.parse(text) as StageOptions;
const { upgradeAfter = 0, bytes = 0, piece = 64 * 1024, path } = options;

async function produce(): Promise<void> {
  using pool = createPool({ name: 'producer', memory: options.heap ? 'heap' : 'shared' });
  const fd = path === undefined ? 1 : openSync(path, 'w');
  const output = openOutput(fd, { upgradeAfter });
  for (let at = 0; at < bytes; at += piece) {
    using content = contentAt(at, Math.min(piece, bytes - at));
    await output.write(content);
  }
  if (options.dies) process.kill(process.pid, 'SIGKILL');
  const { upgraded } = output;
  if (options.ends !== false) await output.end();
  if (options.tells) console.error(JSON.stringify({ upgraded }));
  if (fd !== 1) closeSync(fd);

  function contentAt(at: number, length: number): Aggregate {
    const whole = pool.from(PATTERN.subarray(at % PERIOD_BYTES).subarray(0, length));
    if (!options.short) return whole;
    const slices = Array.from({ length }, (_, i) => whole.slice(i, i + 1));
    whole.release();
    const cut = Aggregate.concat(slices);
    for (const slice of slices) slice.release();
    return cut;
  }
}

async function relay(): Promise<void> {
  await using output = openOutput(1, { upgradeAfter });
  for await (const part of openInput(0, { upgradeAfter })) {
    await output.write(part);
    part.release();
  }
}

async function consume(): Promise<void> {
  const fd = path === undefined ? 0 : openSync(path, 'r');
  const hash = createHash('sha256');
  let count = 0;
  let shared = 0;
  let isPattern = true;
  for await (const part of openInput(fd, { upgradeAfter })) {
    for (const view of part.views()) hash.update(view);
    const start = count % PERIOD_BYTES;
    isPattern &&= part.length <= PERIOD_BYTES && part.equals(PATTERN.subarray(start, start + part.length));
    count += part.length;
    if (part.slices().every(({ lease }) => lease.chunk instanceof ImportedChunk)) shared += part.length;
    part.release();
    if (options.most !== undefined && count >= options.most) break;
    if (options.says) process.stdout.write('.');
  }
  if (fd !== 0) closeSync(fd);
  console.log(JSON.stringify({ count, shared, isPattern, sha256: hash.digest('hex') }));
}

const roles: Record<string, () => Promise<void>> = { produce, relay, consume };
try {
  await roles[role as string]?.();
} catch (error) {
  console.error(JSON.stringify({ code: (error as { code?: string }).code }));
  process.exitCode = 9;
}
