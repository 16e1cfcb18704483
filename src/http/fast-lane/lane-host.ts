import type { SocketMaker } from '../../network/bare-link.ts';
import type { AnswerListener } from '../message/answer-report.ts';
import type { Handler, ServerRequest } from '../message/exchange.ts';
import type { LaneHeir } from './lane-link.ts';
import type { Outbox } from './outbox.ts';
import type { RepeatedAnswers } from './repeated-answers.ts';
import type { RequestMemo } from './request-memo.ts';
import type { UploadRooms } from './upload/upload-rooms.ts';

/** What connections of one lane share. */
export interface Lane extends SocketMaker, LaneHeir {
  readonly handler: Handler;
  /** Its buffer is what the sockets that read are given to read into. */
  readonly memo: RequestMemo;
  /** Undefined where the handler is to be asked each time, as it is while {@link mayRepeat} is false. */
  readonly repeated: RepeatedAnswers | undefined;
  readonly mayRepeat: boolean;
  readonly outbox: Outbox;
  /** Where bodies of requests are put. Undefined where those with one are for the heir. */
  readonly uploads: UploadRooms | undefined;
  /** Told of every answer, if anybody is to be now. */
  readonly listener: AnswerListener | undefined;
  /** Told what the handler failed with, or of an answer of it that cannot be sent: bugs of it. */
  readonly failed: ((error: unknown, request: ServerRequest) => void) | undefined;
  /** Whether connections are to end with their next answer. */
  readonly closing: boolean;
  /** Counts seconds. */
  readonly clock: number;
  ended(connection: LaneMember): void;
}

/** A connection, as its lane sees it. */
export interface LaneMember {
  /** Called once a second: ends it if it took too long. */
  check(limits: LaneLimits): void;
  /** Ends it when the answer under way, if there is one, is sent. */
  finish(): void;
  /** Ends it at once. */
  destroy(): void;
}

/** Seconds that a connection may take. */
export interface LaneLimits {
  /** For its first request. */
  readonly head: number;
  /** For the next request. */
  readonly idle: number;
  /** Without taking a byte of an answer. */
  readonly stall: number;
  /** Without sending a byte of a body that is read. */
  readonly silence: number;
  /** For all of a body, from when it is wanted. */
  readonly body: number;
}
