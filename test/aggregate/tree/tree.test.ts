import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Slice } from '../../../src/aggregate/slice.ts';
import {
  Branch,
  forEachSlice,
  MAX_CHILDREN,
  release,
  retain,
  type Tree,
} from '../../../src/aggregate/tree/branch.ts';
import { Cursor } from '../../../src/aggregate/tree/cursor.ts';
import { part, replace, split } from '../../../src/aggregate/tree/cut.ts';
import { append, join, treeOf } from '../../../src/aggregate/tree/tree.ts';
import { trimFront } from '../../../src/aggregate/tree/trim.ts';
import { leaseOfAdopted } from '../../../src/memory/heap-chunk.ts';
import type { Lease } from '../../../src/memory/lease.ts';

/**
 * Throws unless the tree keeps its promises: even heights, no more than it needs, right lengths, merged
 * slices.
 */
function checkTree(tree: Tree | undefined, mostSlices: number): void {
  if (tree === undefined || tree instanceof Slice) return;
  checkBranch(tree, true);
  let last: Slice | undefined;
  forEachSlice(tree, slice => {
    assert(slice.length > 0);
    assert(last?.lease !== slice.lease || last.end !== slice.start, 'slices that touch are merged');
    last = slice;
  });
  // What was appended and trimmed may leave the height of what was there in between.
  assert(
    tree.height <= 1 + Math.log(mostSlices) / Math.log(8),
    `${mostSlices} slices, height ${tree.height}`,
  );
}

function checkBranch(branch: Branch, isRoot: boolean): void {
  assert(branch.references > 0);
  assert(branch.children.length - branch.first <= MAX_CHILDREN);
  assert(branch.children.length - branch.first >= (isRoot ? 2 : 1));
  assert.equal(branch.ends.length, branch.children.length);
  let end = 0;
  for (let index = branch.first; index < branch.children.length; index++) {
    const child = branch.children[index] as Tree;
    assert.equal(branch.startOf(index), end);
    assert.equal(branch.childAt(end), index);
    end += child.length;
    assert.equal(branch.childAt(end - 1), index);
    assert.equal(child instanceof Slice ? 0 : child.height, branch.height - 1);
    if (child instanceof Branch) checkBranch(child, false);
  }
  assert.equal(branch.length, end);
}

function contentOf(tree: Tree | undefined): number[] {
  const starts: number[] = [];
  forEachSlice(tree, slice => {
    for (let i = slice.start; i < slice.end; i++) starts.push(i);
  });
  return starts;
}

/** Slices of one byte, numbered by the bytes they show; even numbers only, so that none touch. */
function manySlices(lease: Lease, count: number, from: number): Slice[] {
  lease.retain(count);
  return Array.from({ length: count }, (_, i) => new Slice(lease, (from + i) * 2, (from + i) * 2 + 1));
}

/** Any operations on trees, whose contents flat lists tell. */
function operationsOnTrees(): fc.IRawProperty<unknown> {
  const step = fc.record({
    what: fc.constantFrom('split', 'join', 'append', 'share', 'drop', 'trim', 'part', 'replace'),
    a: fc.nat(),
    b: fc.nat(),
    count: fc.oneof(fc.nat(5), fc.nat(100), fc.nat(3000)),
  });
  return fc.property(fc.array(step, { maxLength: 40 }), steps => {
    const lease = leaseOfAdopted(Buffer.alloc(1));
    lease.retain();
    let made = 0;
    const trees: { tree: Tree | undefined; content: number[] }[] = [];
    for (const { what, a, b, count } of steps) {
      if (trees.length < 2 || trees.length > 12) {
        for (const { tree } of trees.splice(2)) if (tree !== undefined) release(tree);
        const tree = treeOf(manySlices(lease, count, made));
        made += count;
        trees.push({ tree, content: contentOf(tree) });
      }
      const [one] = trees.splice(a % trees.length, 1);
      if (one === undefined) continue;
      if (what === 'split') {
        const at = b % (one.content.length + 1);
        const [left, right] = split(one.tree!, at);
        trees.push({ tree: left, content: one.content.slice(0, at) });
        trees.push({ tree: right, content: one.content.slice(at) });
        if (one.tree === undefined) trees.splice(-2);
      } else if (what === 'join' && trees.length > 0) {
        const [two] = trees.splice(b % trees.length, 1);
        trees.push({ tree: join(one.tree, two!.tree), content: [...one.content, ...two!.content] });
      } else if (what === 'append') {
        let { tree } = one;
        const added = manySlices(lease, count % 200, made);
        made += count % 200;
        for (const slice of added) tree = append(tree, slice);
        trees.push({ tree, content: [...one.content, ...added.map(slice => slice.start)] });
      } else if (what === 'trim' && one.tree !== undefined) {
        const at = Math.floor(((b % 101) / 100) ** 3 * one.content.length);
        trees.push({ tree: trimFront(one.tree, at), content: one.content.slice(at) });
      } else if (what === 'part' && one.content.length > 0) {
        const from = b % one.content.length;
        const to = Math.min(one.content.length, from + 1 + count);
        trees.push(one, { tree: part(one.tree!, from, to), content: one.content.slice(from, to) });
      } else if (what === 'replace') {
        const from = b % (one.content.length + 1);
        const gone = Math.min(one.content.length - from, count % 50);
        const added = treeOf(manySlices(lease, (a + b) % 7, made));
        made += (a + b) % 7;
        const content = one.content.slice();
        const removedContent = content.splice(from, gone, ...contentOf(added));
        const { tree, removed } = replace(one.tree, from, gone, added);
        trees.push({ tree, content }, { tree: removed, content: removedContent });
      } else if (what === 'share') {
        if (one.tree !== undefined) retain(one.tree);
        trees.push(one, { ...one });
      } else {
        if (one.tree !== undefined) release(one.tree);
      }
      for (const { tree } of trees) checkTree(tree, made);
    }
    for (const { tree, content } of trees) {
      assert.deepEqual(contentOf(tree), content);
      assert.equal(tree?.length ?? 0, content.length);
      if (tree !== undefined) release(tree);
    }
    assert.equal(lease.references, 1);
  });
}

test('every operation keeps the tree balanced and its counts right', () => {
  fc.assert(operationsOnTrees(), { numRuns: 300 });
});

test('a root has more than one child, though branches in a tree may have one', () => {
  // What once found such a root, after a split behind what append() had left.
  const path =
    '8:5:4:3:14:22:19:19:19:22:20:21:19:19:19:19:20:21:21:22:31:31:31:31:34:35:34:59:59:61:64:63:61:80:' +
    '61:93:93';
  fc.assert(operationsOnTrees(), { seed: -2104394641, path, endOnFailure: true });
});

test('join() merges slices that touch, so that a divided buffer becomes one slice again', () => {
  const lease = leaseOfAdopted(Buffer.alloc(100));
  lease.retain();
  let parts: (Tree | undefined)[] = [new Slice(lease, 0, 100)];
  for (const at of [50, 20, 10, 5]) {
    const [left, right] = split(parts[0]!, at);
    parts = [left, right, ...parts.slice(1)];
  }
  const whole = parts.reduce(join, undefined) as Slice;
  assert(whole instanceof Slice);
  assert.deepEqual([whole.start, whole.end, lease.references], [0, 100, 1]);
});

test('Cursor visits every slice in both directions, from any position', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2500 }), fc.nat(), (count, seed) => {
      const lease = leaseOfAdopted(Buffer.alloc(1));
      const tree = treeOf(manySlices(lease, count, 0))!;
      const from = seed % count;
      const forwards: number[] = [];
      const cursor = new Cursor(tree, from);
      for (; cursor.slice !== undefined; cursor.next()) forwards.push(cursor.start);
      assert.deepEqual(
        forwards,
        Array.from({ length: count - from }, (_, i) => from + i),
      );
      const backwards: number[] = [];
      const back = new Cursor(tree, from);
      for (; back.slice !== undefined; back.previous()) backwards.push(back.start);
      assert.deepEqual(
        backwards,
        Array.from({ length: from + 1 }, (_, i) => from - i),
      );
    }),
    { numRuns: 100 },
  );
});
