import { type AnswerListener, type AnswerReport, durationBetween } from '../message/answer-report.ts';
import type { ServerRequest } from '../message/exchange.ts';

/** An answer on its way, and what became of it. */
class Delivery implements AnswerReport {
  readonly request: ServerRequest;
  readonly status: number;
  readonly httpVersion = '1.1';
  readonly lane = 'lane';
  /** By performance.now(). */
  readonly since: number;
  /** Bytes before its body, and of its body. */
  readonly headBytes: number;
  readonly bodyBytes: number;
  bytes = 0;
  duration = 0;

  constructor(request: ServerRequest, status: number, since: number, headBytes: number, bodyBytes: number) {
    this.request = request;
    this.status = status;
    this.since = since;
    this.headBytes = headBytes;
    this.bodyBytes = bodyBytes;
  }

  get method(): string {
    return this.request.method;
  }

  get remoteAddress(): string | undefined {
    return this.request.remoteAddress;
  }
}

/** Who has the request that an answer is repeated to. */
export interface RepeatedTo {
  /** Makes it, of bytes that are there until the call returns in which they came. */
  requestOfRepeated(): ServerRequest;
}

/** An answer that was repeated, and is sent: one object for all of a connection's. */
class Repetition implements AnswerReport {
  readonly isRepeated = true;
  readonly httpVersion = '1.1';
  readonly lane = 'lane';
  readonly #host: RepeatedTo;
  #request: ServerRequest | undefined;
  method = '';
  status = 0;
  bytes = 0;
  duration = 0;

  constructor(host: RepeatedTo) {
    this.#host = host;
  }

  get request(): ServerRequest {
    this.#request ??= this.#host.requestOfRepeated();
    return this.#request;
  }

  get remoteAddress(): string | undefined {
    return this.request.remoteAddress;
  }

  /** It is of another request. */
  turn(): void {
    this.#request = undefined;
  }
}

/** The answers of a connection that are on their way, in their order: kept only where somebody listens. */
export class DeliveryReports {
  readonly listener: AnswerListener;
  readonly #deliveries: Delivery[] = [];
  #repetition: Repetition | undefined;
  #since = 0;

  constructor(listener: AnswerListener) {
    this.listener = listener;
  }

  /** Whether answers are on their way. */
  get isUnderway(): boolean {
    return this.#deliveries.length > 0;
  }

  /** Requests are there, to which the next answers are. */
  begin(): void {
    this.#since = this.#now();
  }

  /** An answer is to leave behind those before it. @param bodyBytes of it */
  add(request: ServerRequest, status: number, head: readonly Buffer[], bodyBytes: number): void {
    let headBytes = 0;
    for (const bytes of head) headBytes += bytes.length;
    this.#deliveries.push(new Delivery(request, status, this.#since, headBytes, bodyBytes));
  }

  /**
   * The way of all of them has ended.
   * @param taken bytes of them that were sent, with their heads. Default: all
   */
  settle(taken = Number.POSITIVE_INFINITY): void {
    const now = this.#now();
    let left = taken;
    for (const delivery of this.#deliveries) {
      const { headBytes, bodyBytes, since } = delivery;
      delivery.bytes = Math.min(bodyBytes, Math.max(0, left - headBytes));
      delivery.duration = durationBetween(since, now);
      left -= headBytes + bodyBytes;
      this.listener.answered(delivery);
    }
    this.#deliveries.length = 0;
  }

  /**
   * An answer was sent that was repeated, and nothing is on its way.
   * @param host has the request; the same each time
   */
  repeated(status: number, bodyBytes: number, method: string, host: RepeatedTo): void {
    this.#repetition ??= new Repetition(host);
    const repetition = this.#repetition;
    repetition.status = status;
    repetition.method = method;
    repetition.bytes = bodyBytes;
    repetition.duration = durationBetween(this.#since, this.#now());
    this.listener.answered(repetition);
    repetition.turn();
  }

  #now(): number {
    return this.listener.wantsDuration ? performance.now() : 0;
  }
}
