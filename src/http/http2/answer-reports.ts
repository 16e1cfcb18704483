import { type AnswerListener, type AnswerReport, durationBetween } from '../message/answer-report.ts';
import type { ServerRequest } from '../message/exchange.ts';

/** What is told of an answer: one object for all, as it is valid during the call only. */
class Report implements AnswerReport {
  readonly httpVersion = '2.0';
  readonly lane = 'http2';
  request: ServerRequest;
  isRepeated = false;
  status = 0;
  bytes = 0;
  duration = 0;

  constructor(request: ServerRequest) {
    this.request = request;
  }

  get method(): string {
    return this.request.method;
  }

  get remoteAddress(): string | undefined {
    return this.request.remoteAddress;
  }
}

/** Tells a listener of the answers of all connections. */
export class AnswerReports {
  readonly listener: AnswerListener;
  #report: Report | undefined;

  constructor(listener: AnswerListener) {
    this.listener = listener;
  }

  /** The time, if the listener wants to know how long answers take. */
  now(): number {
    return this.listener.wantsDuration ? performance.now() : 0;
  }

  /** The way of an answer has ended. @param since by {@link now} */
  tell(request: ServerRequest, status: number, bytes: number, since: number, isRepeated: boolean): void {
    this.#report ??= new Report(request);
    const report = this.#report;
    report.request = request;
    report.status = status;
    report.bytes = bytes;
    report.duration = durationBetween(since, this.now());
    report.isRepeated = isRepeated;
    this.listener.answered(report);
  }
}
