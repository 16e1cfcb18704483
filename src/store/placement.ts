import type { Aggregate } from '../aggregate/aggregate.ts';
import type { Draft } from '../aggregate/draft.ts';
import type { Audience } from '../memory/audience.ts';
import type { ContentRoom } from './space/content-room.ts';
import type { Store } from './store.ts';
import type { ContentFacts } from './stored-version.ts';

/** Memory that content is to be read into. */
export interface Target {
  readonly pieces: readonly { readonly bytes: Buffer }[];
  /** Whether what is read into it is to be kept, and so need not be in another cache as well. */
  readonly isKept: boolean;
  /** Gives it back, unfilled. */
  discard(): void;
}

/** Memory that content is read into: room of a store, or a buffer beside its budget. */
export class Placement<F extends ContentFacts, L> implements Target {
  readonly pieces: readonly { readonly bytes: Buffer }[];
  readonly #store: Store<F, L>;
  #room: ContentRoom | undefined;
  #draft: Draft | undefined;

  /**
   * @param keep whether it is to be kept if there is room; or the room
   * @param key of the content, where the policy is to say whether it is kept
   * @param audience who may see it. Default: those who may see all
   * @throws what allocating from a pool throws
   */
  constructor(
    store: Store<F, L>,
    length: number,
    keep: boolean | ContentRoom = true,
    key?: string,
    audience?: Audience,
  ) {
    this.#store = store;
    if (typeof keep === 'object') this.#room = keep;
    else this.#room = keep ? store.allocate(length, key, audience) : undefined;
    if (this.#room === undefined) this.#draft = store.outside(keep === true, audience).allocate(length);
    this.pieces = this.#room?.pieces ?? [{ bytes: (this.#draft as Draft).bytes }];
  }

  /** As the constructor; at once, unless memory is short: then when there is some. */
  static async forContent<F extends ContentFacts, L>(
    store: Store<F, L>,
    length: number,
    key?: string,
    audience?: Audience,
  ): Promise<Placement<F, L>> {
    const wait = store.bounds.memoryFor(length);
    if (wait !== undefined) await wait;
    return new Placement(store, length, true, key, audience);
  }

  /** Room that is filled with a content already: see {@link Store.adopt}. Undefined without room. */
  static adopting<F extends ContentFacts, L>(
    store: Store<F, L>,
    content: Aggregate,
    key: string,
    audience: Audience,
  ): Placement<F, L> | undefined {
    const room = store.adopt(content, key, audience);
    return room === undefined ? undefined : new Placement(store, content.length, room);
  }

  /** Memory beside the budget with a copy of these bytes. */
  static copyOf<F extends ContentFacts, L>(
    store: Store<F, L>,
    bytes: Buffer,
    audience?: Audience,
  ): Placement<F, L> {
    const placement = new Placement(store, bytes.length, false, undefined, audience);
    bytes.copy((placement.pieces[0] as { bytes: Buffer }).bytes);
    return placement;
  }

  get isKept(): boolean {
    return this.#room !== undefined;
  }

  /** The room, which is filled: put it into the store. Undefined when there was none. */
  takeRoom(): ContentRoom | undefined {
    const room = this.#room;
    this.#room = undefined;
    return room;
  }

  /** The content beside the budget; the caller releases it. */
  takeContent(): Aggregate | undefined {
    const draft = this.#draft;
    this.#draft = undefined;
    return draft?.seal();
  }

  discard(): void {
    if (this.#room !== undefined) this.#store.cancel(this.#room);
    this.#draft?.discard();
    this.#room = undefined;
    this.#draft = undefined;
  }
}
