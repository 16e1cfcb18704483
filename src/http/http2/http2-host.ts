import type { Pool } from '../../aggregate/pool.ts';
import type { Handler, ServerRequest } from '../message/exchange.ts';
import type { AnswerReports } from './answer-reports.ts';
import type { KnownHeads } from './known-heads.ts';
import type { FrameOutput } from './wire/frame-output.ts';

/** What connections of one server share. */
export interface Http2Host {
  readonly handler: Handler;
  /** Whether an answer may be given again without asking. */
  readonly mayRepeat: boolean;
  /** Whether they are encrypted. */
  readonly secure: boolean;
  /** Bodies of requests go there. */
  readonly pool: Pool;
  readonly known: KnownHeads;
  readonly output: FrameOutput;
  /** Undefined if nobody is told of answers now. */
  readonly reports: AnswerReports | undefined;
  /** Told what the handler failed with, or of an answer of it that cannot be sent: bugs of it. */
  readonly failed: ((error: unknown, request: ServerRequest) => void) | undefined;
  /** Bytes of a request's fields: 431 beyond. */
  readonly maxHeaderSize: number;
  /** Whether connections are to end. */
  readonly closing: boolean;
  /** Counts seconds. */
  readonly clock: number;
  ended(connection: Http2Member): void;
}

/** A connection, as its server sees it. */
export interface Http2Member {
  /** Called once a second: ends what took too long. */
  check(limits: Http2Limits): void;
  /** Ends it when the answers under way are sent. */
  finish(): void;
  /** Ends it at once. */
  lost(): void;
}

/** Seconds that may pass. */
export interface Http2Limits {
  /** Until the client has said what it begins with, and for the fields of a request. */
  readonly head: number;
  /** For a request with its body. */
  readonly request: number;
  /** Without a request. */
  readonly idle: number;
  /** Without a byte of an answer being taken. */
  readonly stall: number;
}
