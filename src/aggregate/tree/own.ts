import { pagesToWrite } from '../../memory/own-pages.ts';
import { Slice } from '../slice.ts';
import { forEachSlice, type Tree } from './branch.ts';
import { treeOf } from './tree.ts';

/**
 * The same bytes for whoever may write them: those of a domain that lets its readers write lie in pages of
 * this tree's own. @returns a reference, which is the caller's
 * @throws SystemError: ENOMEM
 */
export function treeToWrite(tree: Tree): Tree {
  const slices: Slice[] = [];
  try {
    forEachSlice(tree, ({ lease, start, end }) => {
      const isOwn = lease.chunk.mapToWrite === undefined;
      const own = isOwn ? { lease, start } : pagesToWrite(lease, start, end);
      own.lease.hold(end - start);
      slices.push(new Slice(own.lease, own.start, own.start + end - start));
    });
  } catch (error) {
    for (const { lease, length } of slices) lease.drop(length);
    throw error;
  }
  return treeOf(slices) as Tree;
}
