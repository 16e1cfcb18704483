import { IoliteError } from '../../../base/error.ts';
import { fieldOf } from '../../message/header-list.ts';
import type { ResponseHead } from './origin.ts';
import type { Flow, ReceivedBody } from './received-body.ts';

/** What two responses have alike that have the same content. */
const ALIKE = ['etag', 'last-modified', 'content-length', 'content-type', 'content-encoding'];

/**
 * Goes on with a body that broke off, by another response that is the same: what is of one version is never
 * joined with what is of another. What has come is compared, as far as it is here yet; where it is not, a
 * strong tag has to say that it is the same (RFC 9110, 8.8.1).
 */
export class BodyMending implements Flow {
  readonly #body: ReceivedBody;
  readonly #head: ResponseHead;
  readonly #abort: () => void;
  #isAborted = false;
  #gate: Promise<void> | undefined;
  #open: () => void = () => {};

  /** @param abort gives up the other response */
  constructor(body: ReceivedBody, head: ResponseHead, abort: () => void) {
    this.#body = body;
    this.#head = head;
    this.#abort = abort;
  }

  pause(): void {
    this.#gate ??= new Promise(resolve => {
      this.#open = resolve;
    });
  }

  resume(): void {
    this.#gate = undefined;
    this.#open();
  }

  abort(): void {
    this.#isAborted = true;
    this.resume();
    this.#abort();
  }

  /** The other response has come. */
  receive(head: ResponseHead, rest: ReceivedBody): void {
    void this.#take(head, rest).then(
      () => this.#body.end(),
      error => this.#body.fail(error),
    );
  }

  async #take(head: ResponseHead, rest: ReceivedBody): Promise<void> {
    const pieces = rest.reader();
    rest.close();
    try {
      if (!isAlike(this.#head, head)) throw anotherOne();
      const come = this.#body.received;
      const isCertain = hasStrongTag(head);
      let position = 0;
      for await (using piece of pieces) {
        if (this.#isAborted) return;
        using again = piece.slice(0, Math.max(0, come - position));
        const compared = again.length === 0 ? 'same' : this.#body.compare(position, again);
        if (compared === 'other' || (compared === 'unknown' && !isCertain)) throw anotherOne();
        position += piece.length;
        piece.trimStart(again.length);
        if (piece.length > 0) this.#body.append(piece);
        await this.#gate;
      }
      if (position < come) throw anotherOne();
    } finally {
      await pieces.return?.();
    }
  }
}

function isAlike(one: ResponseHead, other: ResponseHead): boolean {
  const fields = ALIKE.every(name => fieldOf(one.headers, name) === fieldOf(other.headers, name));
  return one.status === other.status && fields;
}

function hasStrongTag({ headers }: ResponseHead): boolean {
  return fieldOf(headers, 'etag')?.startsWith('"') === true;
}

function anotherOne(): IoliteError {
  return new IoliteError('ERR_IOLITE_ORIGIN', 'A response broke off, and there is another one by now');
}
