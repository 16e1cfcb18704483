import { ArgumentError } from '../../../base/error.ts';
import type { Answer } from '../exchange.ts';
import { fieldsFor, type HeaderList, hasField, isField } from '../header-list.ts';

/** The first fields of an answer in the bytes of one protocol, and what its last ones depend on. */
export class EncodedHead {
  readonly status: number;
  readonly bytes: Buffer;
  readonly hasLength: boolean;
  /** What a server behind this one says of its answer stays. */
  readonly hasDate: boolean;

  constructor(status: number, headers: HeaderList, bytes: Buffer) {
    this.status = status;
    this.bytes = bytes;
    this.hasLength = hasField(headers, 'content-length');
    this.hasDate = hasField(headers, 'date');
  }
}

/**
 * The heads of answers as one protocol encodes them, each once: they are kept with the answer where it has a
 * place for them, else by the list of fields itself, as handlers give the same list for the same file.
 */
export class EncodedHeads {
  readonly #place: 'head' | 'block';
  readonly #encode: (status: number, headers: HeaderList, end: number) => Buffer;
  readonly #known = new WeakMap<HeaderList, EncodedHead>();

  /**
   * @param place of this protocol in what is kept with an answer
   * @param encode the status and the fields before `end`, into memory of its own: it lives long, and is to
   *   keep no other's from being given back. Throws ERR_IOLITE_ARGUMENT for a field that cannot be sent
   */
  constructor(place: 'head' | 'block', encode: (status: number, headers: HeaderList, end: number) => Buffer) {
    this.#place = place;
    this.#encode = encode;
  }

  /** @throws ERR_IOLITE_ARGUMENT for a status or field that cannot be sent */
  of(answer: Answer): EncodedHead {
    const { status, kept } = answer;
    const known = this.#recall(answer);
    if (known !== undefined && known.status === status) return known;
    if (!Number.isInteger(status) || status < 200 || status > 999) {
      throw new ArgumentError(`Cannot send answer: a status from 200 to 999 is wanted, ${status} was given`);
    }
    const headers = kept === undefined ? fieldsFor(status, answer.headers) : answer.headers;
    const bytes = this.#encode(status, headers, kept?.fixed ?? headers.length);
    const head = new EncodedHead(status, headers, bytes);
    if (kept === undefined) this.#known.set(answer.headers, head);
    else kept[this.#place] = head;
    return head;
  }

  /** Whether the fields of an answer have its length. */
  statesLength(answer: Answer): boolean {
    return this.#recall(answer)?.hasLength ?? hasField(answer.headers, 'content-length');
  }

  #recall({ headers, kept }: Answer): EncodedHead | undefined {
    const known = kept === undefined ? this.#known.get(headers) : kept[this.#place];
    return known instanceof EncodedHead ? known : undefined;
  }
}

/** @throws ERR_IOLITE_ARGUMENT for a field that cannot be sent */
export function checkSendable(name: string, value: string): void {
  if (isField(name, value)) return;
  throw new ArgumentError(`Cannot send answer: field ${JSON.stringify(name)} cannot be sent`);
}
