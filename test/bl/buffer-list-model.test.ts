import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BufferList as NpmBufferList } from 'bl';
import fc from 'fast-check';
import type { Aggregate } from '../../src/aggregate/aggregate.ts';
import { createPool, type Pool } from '../../src/aggregate/pool.ts';
import { BufferList } from '../../src/bl/index.ts';
import { RUNS, sliced } from '../support/slicing.ts';

/** What both classes can do here; loosely typed, because odd arguments are the point. */
type List = { [method: string]: (...args: unknown[]) => unknown } & { length: number };

/**
 * How arguments are made for one class. Pieces that are asked for twice are the same memory, for both
 * classes.
 */
interface Maker {
  list(content?: unknown): List;
  /** As one buffer, or as something that holds the same memory. */
  piece(bytes: Uint8Array): unknown;
  /** The same bytes in memory of a pool; a plain buffer for bl. */
  pooled(bytes: Uint8Array): unknown;
}

type Given = (make: Maker) => unknown;

interface Step {
  readonly name: string;
  args(make: Maker): unknown[];
  /** Whether what bl does here is an accident, so that the step is left out. */
  isAccident?(theirs: List, args: unknown[]): boolean;
  [fc.toStringMethod](): string;
}

const letters = { min: 97, max: 99 };
const bytes = fc
  .oneof(
    { weight: 6, arbitrary: fc.array(fc.integer(letters), { maxLength: 9 }) },
    { weight: 1, arbitrary: fc.array(fc.integer(letters), { minLength: 900, maxLength: 3000 }) },
  )
  .map(values => Buffer.from(values));

function always(value: unknown): Given {
  return () => value;
}

function overMemory(view: (piece: Buffer) => unknown): fc.Arbitrary<Given> {
  return bytes.map(
    (data): Given =>
      make => {
        const piece = make.piece(data);
        return piece instanceof Buffer ? view(piece) : piece;
      },
  );
}

const content = fc.letrec<{ any: Given; list: Given }>(tie => ({
  any: fc.oneof(
    { depthSize: 'small' },
    overMemory(piece => piece),
    overMemory(piece => new Uint8Array(piece.buffer, piece.byteOffset, piece.length)),
    overMemory(piece => new DataView(piece.buffer, piece.byteOffset, piece.length)),
    bytes.map(
      (data): Given =>
        make =>
          make.pooled(data),
    ),
    bytes.map(data => always(data.toString())),
    bytes.map(data => always(new Uint8Array(data).buffer)),
    fc.string({ unit: 'binary', maxLength: 8 }).map(always),
    fc.constantFrom<unknown>(null, undefined, 0, 12, -1.5, NaN, true, {}, () => 1, new Set([1])).map(always),
    fc.array(tie('any'), { maxLength: 3 }).map(
      (all): Given =>
        make =>
          all.map(each => each(make)),
    ),
    tie('list'),
  ),
  list: fc.array(bytes, { maxLength: 3 }).map(
    (all): Given =>
      make =>
        make.list(all.map(each => make.piece(each))),
  ),
})).any;

const position: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -12, max: 40 }) },
  { weight: 2, arbitrary: fc.integer({ min: -4000, max: 4000 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(undefined, null, NaN, Infinity, -Infinity, 1.5, -0.5, '2', 'x'),
  },
);
const encoding = fc.constantFrom<unknown>(
  undefined,
  null,
  'utf8',
  'latin1',
  'hex',
  'base64',
  'utf16le',
  'bogus',
);
const shortBytes = fc.array(fc.integer(letters), { maxLength: 5 });
const needle: fc.Arbitrary<Given> = fc.oneof(
  shortBytes.map(values => always(Buffer.from(values).toString())),
  shortBytes.map(values => always(new Uint8Array(values))),
  shortBytes.map(values => always(Uint16Array.from(values))),
  fc.integer({ min: -300, max: 400 }).map(always),
  fc.array(bytes, { maxLength: 2 }).map(
    (all): Given =>
      make =>
        make.list(all),
  ),
  fc.constantFrom<unknown>(null, undefined, true, {}, [97], () => 1, NaN, 97.5, 'ä').map(always),
);
const reads = Object.getOwnPropertyNames(NpmBufferList.prototype).filter(name => name.startsWith('read'));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: content.map(given => call('append', make => [given(make)])) },
  { weight: 2, arbitrary: content.map(given => call('prepend', make => [given(make)])) },
  { weight: 3, arbitrary: position.map(count => call('consume', () => [count])) },
  { weight: 3, arbitrary: position.map(index => call('get', () => [index], isAccidentOfGet)) },
  {
    weight: 3,
    arbitrary: fc.tuple(position, position).map(range => call('slice', () => range, isAccidentOfSlice)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(position, position)
      .map(range => call('shallowSlice', () => range, isAccidentOfShallow)),
  },
  { weight: 1, arbitrary: fc.constant(call('duplicate', () => [])) },
  { weight: 1, arbitrary: fc.constant(call('getBuffers', () => [])) },
  {
    weight: 3,
    arbitrary: fc.tuple(encoding, position, position).map(args =>
      call(
        'toString',
        () => args,
        (list, [, ...range]) => isAccidentOfSlice(list, range),
      ),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(needle, position, encoding)
      .map(([given, from, how]) => call('indexOf', make => [given(make), from, how], isAccidentOfIndexOf)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(position, position, position)
      .map(range => call('copy', () => [Buffer.alloc(64, '.'), ...range], isAccidentOfCopy)),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom(...reads), position, fc.integer({ min: 0, max: 7 }))
      .map(([name, offset, size]) => call(name, () => [offset, size], isAccidentOfRead)),
  },
  { weight: 2, arbitrary: fc.nat().map(nth => call('scribble', () => [nth])) },
);

function call(name: string, args: Step['args'], isAccident?: NonNullable<Step['isAccident']>): Step {
  const shown: Maker = { list: given => theirs.list(given), piece: data => data, pooled: data => data };
  return {
    name,
    args,
    ...(isAccident === undefined ? {} : { isAccident }),
    [fc.toStringMethod]: () => `${name}(${fc.stringify(args(shown).map(plain)).slice(1, -1)})`,
  };
}

/** An empty list throws where it should show nothing; of an empty first buffer index 0 shows nothing. */
function isAccidentOfGet(list: List, [index]: unknown[]): boolean {
  return list.length === 0 || (Number(index) === 0 && firstIsEmpty(list));
}

/**
 * A fraction that meets a border, NaN, or an end before the start: what comes of it depends on where the
 * borders lie (garbage, a part from elsewhere, an exception). Here positions are truncated and such a range
 * is empty.
 */
function isAccidentOfSlice(list: List, [start, end]: unknown[]): boolean {
  if (isBroken(start) || isBroken(end)) return true;
  const [from, to] = [fromEnd(start, 0, list), fromEnd(end, list.length, list)];
  return from < list.length && to > 0 && to < from;
}

/** The same, and the same for a start before the first byte. */
function isAccidentOfShallow(list: List, [start, end]: unknown[]): boolean {
  const from = fromEnd(Number(start || 0), 0, list);
  const to = fromEnd(end, list.length, list);
  return Number.isNaN(Number(start || 0)) || Number.isNaN(end) || from < 0 || to < from;
}

/**
 * The same; and a place in the target that is no integer means one thing in one buffer, another over borders.
 */
function isAccidentOfCopy(list: List, [, targetStart, start, end]: unknown[]): boolean {
  if (isBroken(start) || isBroken(end)) return true;
  if (targetStart != null && !Number.isInteger(targetStart)) return true;
  const from = typeof start === 'number' ? Math.max(0, start) : 0;
  const to = typeof end === 'number' ? Math.min(end, list.length) : list.length;
  return from < list.length && to > 0 && to < from;
}

/**
 * Behind an empty first buffer what lies over a border is missed at 0; a fraction comes back for no needle.
 */
function isAccidentOfIndexOf(list: List, [, offset]: unknown[]): boolean {
  return firstIsEmpty(list) || isFraction(offset);
}

/** As of slice(), from which the bytes to be read are taken. */
function isAccidentOfRead(list: List, [offset, size]: unknown[]): boolean {
  if (typeof offset === 'string') return false;
  return isBroken(offset) || isAccidentOfSlice(list, [offset, (offset as number) + Number(size)]);
}

function isFraction(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && !Number.isInteger(value);
}

function isBroken(value: unknown): boolean {
  return isFraction(value) || Number.isNaN(value);
}

function fromEnd(position: unknown, otherwise: number, { length }: List): number {
  if (typeof position !== 'number') return otherwise;
  return position < 0 ? position + length : position;
}

function firstIsEmpty(list: List): boolean {
  return (list.getBuffers!() as Buffer[])[0]?.length === 0;
}

/** Lists by their bytes: where the borders lie is nobody's business. */
function plain(value: unknown): unknown {
  if (BufferList.isBufferList(value)) return `list: ${flat(value as unknown as List).toString('latin1')}`;
  if (value instanceof Uint8Array)
    return `${value.constructor.name}: ${Buffer.from(value).toString('latin1')}`;
  return Array.isArray(value) ? value.map(plain) : value;
}

function flat(list: List): Buffer {
  return Buffer.concat(list.getBuffers!() as Buffer[]);
}

type Outcome = { readonly value: unknown } | { readonly thrown: true };

function outcome(run: () => unknown): Outcome {
  try {
    return { value: run() };
  } catch {
    return { thrown: true };
  }
}

const theirs: Pick<Maker, 'list'> = { list: given => new NpmBufferList(given as string) as unknown as List };
const ours: Pick<Maker, 'list'> = { list: given => new BufferList(given as string) as unknown as List };

/** Memory of one run: what the lists of both classes are made of. */
class Memory {
  readonly pieces = new Map<Uint8Array, Buffer>();
  readonly aggregates: Aggregate[] = [];
  readonly theirs: Maker = { ...theirs, piece: data => this.#piece(data), pooled: data => Buffer.from(data) };
  readonly ours: Maker;

  constructor(pool: Pool, isInBytes: boolean) {
    const cut = (piece: Buffer) => Array.from(piece, (_, i) => piece.subarray(i, i + 1));
    this.ours = {
      ...ours,
      piece: data => (isInBytes ? cut(this.#piece(data)) : this.#piece(data)),
      pooled: data => {
        const aggregate = sliced(pool, data, isInBytes ? [1] : [3, 500]);
        this.aggregates.push(aggregate);
        return aggregate;
      },
    };
  }

  /** Changes a buffer that was given to lists, which have to show it. */
  scribble(nth: number): void {
    const pieces = [...this.pieces.values()].filter(piece => piece.length > 0);
    const piece = pieces[nth % pieces.length];
    if (piece !== undefined) piece[nth % piece.length] = 97 + (nth % 3);
  }

  #piece(data: Uint8Array): Buffer {
    const piece = this.pieces.get(data) ?? Buffer.from(data);
    this.pieces.set(data, piece);
    return piece;
  }
}

function compare(memory: Memory, steps: readonly Step[], picks: readonly number[]): List[] {
  const pairs = [{ our: memory.ours.list(), their: memory.theirs.list() }];
  for (const [nth, { name, args, isAccident }] of steps.entries()) {
    const { our, their } = pairs[(picks[nth] ?? 0) % pairs.length]!;
    const [ourArgs, theirArgs] = [args(memory.ours), args(memory.theirs)];
    if (name === 'scribble') {
      memory.scribble(ourArgs[0] as number);
    } else if (isAccident?.(their, theirArgs) !== true) {
      const ourOutcome = outcome(() => our[name]!(...ourArgs));
      const theirOutcome = outcome(() => their[name]!(...theirArgs));
      assert.equal('thrown' in ourOutcome, 'thrown' in theirOutcome, `${name} throws or does not`);
      if (name === 'copy') {
        // What bl returns is the target, or a part of it that depends on the borders.
        assert.deepEqual(plain(ourArgs[0]), plain(theirArgs[0]), name);
      } else if (name === 'getBuffers') {
        assert.ok((our.getBuffers!() as Buffer[]).every(({ length }) => length > 0));
      } else if ('value' in ourOutcome && 'value' in theirOutcome) {
        assert.deepEqual(plain(ourOutcome.value), plain(theirOutcome.value), name);
        if (pairs.length < 6 && (name === 'shallowSlice' || name === 'duplicate')) {
          pairs.push({ our: ourOutcome.value as List, their: theirOutcome.value as List });
        }
      }
    }
    assert.equal(our.length, their.length, `length after ${name}`);
    assert.ok(flat(our).equals(flat(their)), `content after ${name}`);
  }
  return pairs.map(({ our }) => our);
}

for (const memory of ['shared', 'heap'] as const) {
  for (const isInBytes of [false, true]) {
    test(`BufferList agrees with bl, whatever is done (${memory}, ${isInBytes ? 'bytes' : 'pieces'})`, () => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), fc.array(fc.nat()), (steps, picks) => {
          const pool = createPool({ memory, chunkSize: 8192 });
          const made = new Memory(pool, isInBytes);
          const lists = compare(made, steps, picks);
          for (const list of lists) list.consume!(list.length);
          for (const aggregate of made.aggregates) aggregate.release();
          pool.close();
          // Lists that were arguments only are gone without a word: they hold no pool's memory here.
          assert.equal(pool.stats().chunks, 0);
        }),
        { numRuns: 1000 * RUNS },
      );
    });
  }
}
