import { invariant } from '../../base/invariant.ts';
import { HEAVY_BYTES, MAX_HEAVY_BYTES } from '../wire/weight.ts';

/**
 * How much of heavy messages, by weight, may be sent that the peer has not consumed. The peer says how many
 * messages it has consumed, and not which: a request was when its answer has come; the others are in order.
 */
export class HeavyCredit {
  #bytes = 0;
  /** Weights of requests, by number. */
  readonly #requests = new Map<number, number>();
  /** Of messages without an answer: the how manieth of these each was, and its weight. */
  readonly #others: { readonly nth: number; readonly weight: number }[] = [];
  #othersSent = 0;
  #answered = 0;
  #consumed = 0;

  /** Whether a message of this weight may be sent. */
  isLeft(weight: number): boolean {
    return weight <= HEAVY_BYTES || this.#bytes < MAX_HEAVY_BYTES;
  }

  /** A message is sent. @param request its number; undefined: no answer will come */
  take(weight: number, request: number | undefined): void {
    if (request === undefined) this.#othersSent += 1;
    if (weight <= HEAVY_BYTES) return;
    this.#bytes += weight;
    if (request === undefined) this.#others.push({ nth: this.#othersSent, weight });
    else this.#requests.set(request, weight);
  }

  /** An answer came. */
  answered(request: number): void {
    this.#answered += 1;
    if (this.#requests.size === 0) return;
    this.#bytes -= this.#requests.get(request) ?? 0;
    this.#requests.delete(request);
  }

  /** The peer has consumed so many more messages, of which those whose answers came are a part. */
  consumed(count: number): void {
    this.#consumed += count;
    const others = this.#consumed - this.#answered;
    for (let first = this.#others[0]; first !== undefined && first.nth <= others; first = this.#others[0]) {
      this.#bytes -= first.weight;
      this.#others.shift();
    }
    invariant(this.#bytes >= 0, 'the weight of messages that are not consumed is theirs');
  }
}
