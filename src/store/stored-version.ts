import { Aggregate } from '../aggregate/aggregate.ts';
import { shareTree } from '../aggregate/byte-sequence.ts';
import { Slice } from '../aggregate/slice.ts';
import { forEachSlice, release, retain, type Tree } from '../aggregate/tree/branch.ts';
import { CHECKED, invariant } from '../base/invariant.ts';
import type { Json } from '../base/json.ts';

/** What is known of content besides its bytes. Goes with it to all domains, as JSON. */
export type ContentFacts = { readonly [name: string]: Json | undefined };

/** The serial of a version that no owner knows of. */
export const SERIAL_OF_UNKEPT_VERSIONS = 0;

/** What a version is made of. */
export interface VersionParts<F extends ContentFacts> {
  readonly facts: F;
  readonly content: Aggregate | undefined;
  readonly forms: Map<string, Aggregate> | undefined;
}

const NO_FORMS: ReadonlyMap<string, Aggregate> = new Map();

/**
 * One version of something that is cached, in the memory of this domain, with a count of its holders: an
 * index, snapshots. What it holds is released with the last of them. To count costs less than an aggregate
 * for each holder.
 */
export class StoredVersion<F extends ContentFacts = ContentFacts> {
  readonly key: string;
  /** Names the version: its owner numbers all that it keeps or gives out, upwards. */
  readonly serial: number;
  readonly facts: F;
  /** The same content in other forms, by name. */
  readonly forms: ReadonlyMap<string, Aggregate>;
  /** Called when nobody holds it any more. */
  onEnd: (() => void) | undefined;
  /**
   * That of the content, which nobody changes: who reads need not look at the aggregate. Gone with the last
   * holder: who remembers a version by its object keeps no memory with it.
   */
  #tree: Tree | undefined;
  /** Made when it is asked for; that of no bytes, which has no tree, is there from the start. */
  #content: Aggregate | undefined;
  #references = 1;
  /** Of several versions that took each other's place: their references, together. */
  #uses: { count: number } | undefined;

  /**
   * Takes over references to the content and the forms. The caller is the first holder.
   * @param content as an aggregate, which is released, or as the tree of one
   * @param before what it takes the place of, with the same content: who holds that uses this
   */
  constructor(
    key: string,
    serial: number,
    facts: F,
    content: Aggregate | Tree | undefined,
    forms = NO_FORMS,
    before?: StoredVersion<F>,
  ) {
    this.key = key;
    this.serial = serial;
    this.facts = facts;
    this.forms = forms;
    this.#tree = content instanceof Aggregate ? shareTree(content) : content;
    if (content instanceof Aggregate) {
      if (this.#tree === undefined) this.#content = content;
      else content.release();
    }
    if (before === undefined) return;
    // Most versions never have another: one object less to look at in each use.
    before.#uses ??= { count: before.#references };
    this.#uses = before.#uses;
    this.#uses.count += 1;
  }

  /** Undefined where there are facts only. Takes 130 bytes: mostly {@link slices} will do. */
  get content(): Aggregate | undefined {
    if (this.#content === undefined && this.#tree !== undefined) this.#content = new Aggregate(this.#tree);
    return this.#content;
  }

  /** Whether there is a content, which may have no bytes. */
  get hasContent(): boolean {
    return this.#tree !== undefined || this.#content !== undefined;
  }

  /** Whether there are bytes of it. */
  get hasBytes(): boolean {
    return this.#tree !== undefined;
  }

  /** All of its content, where that lies in one piece. Valid as long as somebody holds the version. */
  get slice(): Slice | undefined {
    return this.#tree instanceof Slice ? this.#tree : undefined;
  }

  /** Those of its content, in their order. Valid as long as somebody holds the version. */
  slices(): readonly Slice[] {
    const slices: Slice[] = [];
    forEachSlice(this.#tree, slice => slices.push(slice));
    return slices;
  }

  /** The content as an aggregate that is the caller's; undefined where there are facts only. O(1). */
  shareContent(): Aggregate | undefined {
    if (this.#tree === undefined) return this.#content?.duplicate();
    return new Aggregate(this.shareTree());
  }

  /** Whether anybody but one holder has it, or what it took the place of. */
  get inUse(): boolean {
    return (this.#uses?.count ?? this.#references) > 1;
  }

  /** How many hold this object. */
  get references(): number {
    return this.#references;
  }

  /** In bytes, with all forms. */
  get size(): number {
    let size = this.#content?.length ?? this.#tree?.length ?? 0;
    for (const form of this.forms.values()) size += form.length;
    return size;
  }

  /** The tree of the content, by a reference of its own, which is the caller's. O(1). */
  shareTree(): Tree | undefined {
    if (CHECKED && this.#content !== undefined)
      invariant(treeOfKept(this.#content) === this.#tree, 'nobody changes the content of a version');
    if (this.#tree !== undefined) retain(this.#tree);
    return this.#tree;
  }

  /**
   * What takes the place of this one, with its bytes in other places.
   * @param move slices, to a content that is the caller's; undefined where they stay where they are
   */
  moved(move: (slices: readonly Slice[]) => Aggregate | undefined): VersionParts<F> {
    const { facts, forms } = this;
    const content = this.hasContent ? (move(this.slices()) ?? this.shareContent()) : undefined;
    if (forms.size === 0) return { facts, content, forms: undefined };
    const moved = [...forms].map(([name, form]): [string, Aggregate] => [
      name,
      move(form.slices()) ?? form.duplicate(),
    ]);
    return { facts, content, forms: new Map(moved) };
  }

  /** One more holder. */
  retain(): this {
    this.#references += 1;
    if (this.#uses !== undefined) this.#uses.count += 1;
    return this;
  }

  /** One holder less. */
  release(): void {
    this.#references -= 1;
    if (this.#uses !== undefined) this.#uses.count -= 1;
    if (this.#references > 0) return;
    invariant(this.#references === 0, 'who releases a version held it');
    if (this.#content !== undefined) this.#content.release();
    else if (this.#tree !== undefined) release(this.#tree);
    this.#content = undefined;
    this.#tree = undefined;
    for (const form of this.forms.values()) form.release();
    this.onEnd?.();
  }
}

/** Without a reference: for who keeps the content, unchanged, for as long. */
function treeOfKept(content: Aggregate): Tree | undefined {
  const tree = shareTree(content);
  if (tree !== undefined) release(tree);
  return tree;
}
