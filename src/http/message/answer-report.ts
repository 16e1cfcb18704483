import type { ServerRequest } from './exchange.ts';

/** What became of an answer. */
export interface AnswerReport {
  /** Of an answer that was repeated it is made when it is asked for. */
  readonly request: ServerRequest;
  /** Whether no handler was asked, for what one had said before was to be repeated. */
  readonly isRepeated?: boolean;
  /** As `request.method`: does not make it. */
  readonly method: string;
  /** By whom it was made and sent: the fast lane, our own HTTP/2, or node:http. */
  readonly lane: 'lane' | 'http2' | 'node';
  /** As '1.1'. */
  readonly httpVersion: string;
  /** Of the answer; 101 where the connection went over to another protocol. */
  readonly status: number;
  /** Bytes of its body that were sent: not all when the client left. */
  readonly bytes: number;
  /** Milliseconds since its request was read; 0 if no listener wants times. */
  readonly duration: number;
  /** Of the client: its connection may be closed by now, and not know it any more. */
  readonly remoteAddress: string | undefined;
}

/** Listens to the answers of a server: an access log, a counter, metrics. */
export interface AnswerListener {
  /**
   * Two looks at the clock for each answer are a hundredth of what a small one costs. It may change: what is
   * under way then has no duration.
   */
  readonly wantsDuration: boolean;
  /**
   * Called once for each answer, when its way has ended: it is sent, or its client has left. Does not throw.
   * @param report valid during the call
   */
  answered(report: AnswerReport): void;
}

/** Milliseconds between two times of which either is 0 if nobody wanted to know it: 0 then. */
export function durationBetween(since: number, now: number): number {
  return since === 0 || now === 0 ? 0 : now - since;
}

/** Several listeners as one; undefined for none. */
export function joinListeners(listeners: readonly AnswerListener[]): AnswerListener | undefined {
  if (listeners.length <= 1) return listeners[0];
  return {
    get wantsDuration() {
      for (const { wantsDuration } of listeners) if (wantsDuration) return true;
      return false;
    },
    answered: report => {
      for (const listener of listeners) listener.answered(report);
    },
  };
}
