import { BlockMemo } from './block-memo.ts';
import { FieldDecoder } from './hpack/field-decoder.ts';
import type { KnownHeads } from './known-heads.ts';
import type { Http2Head } from './request-head.ts';
import { ConnectionFault, REASON } from './wire/frame.ts';

/** What a block of fields turned out to be, if it is no head of a request. */
export type BlockFault = 'malformed' | 'tooLarge';

/** Reads the blocks of fields of one connection. All of them have to come here, in their order. */
export class HeadReader {
  readonly #decoder: FieldDecoder;
  readonly #known: KnownHeads;
  readonly #memo = new BlockMemo();

  /** @param mostListBytes see {@link FieldDecoder} */
  constructor(mostListBytes: number, known: KnownHeads) {
    this.#decoder = new FieldDecoder(mostListBytes);
    this.#known = known;
  }

  /** The head of a request. @throws ConnectionFault for a block that cannot be decoded */
  head(bytes: Buffer, start: number, end: number): Http2Head | BlockFault {
    const decoder = this.#decoder;
    const { generation } = decoder;
    const known = this.#memo.recall(bytes, start, end, generation);
    if (known !== undefined) return known;
    const list = this.fields(bytes, start, end);
    if (list === undefined) return 'tooLarge';
    const head = this.#known.recall(list);
    if (head === undefined) return 'malformed';
    if (decoder.generation === generation && head.notes !== undefined)
      this.#memo.keep(bytes, start, end, decoder.neededTable ? generation : -1, head);
    return head;
  }

  /**
   * Fields of whatever kind.
   * @returns undefined if there are more than there may be
   * @throws ConnectionFault for a block that cannot be decoded
   */
  fields(bytes: Buffer, start: number, end: number): string[] | undefined {
    const list = this.#decoder.decode(bytes, start, end);
    if (list === undefined) throw new ConnectionFault(REASON.compression);
    return this.#decoder.isTooLarge ? undefined : list;
  }
}
