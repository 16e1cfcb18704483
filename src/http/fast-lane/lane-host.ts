import type { Socket } from 'node:net';
import type { Handler } from '../message/exchange.ts';
import type { Answered } from './delivery-report.ts';
import type { LaneConnection } from './lane-connection.ts';
import type { Outbox } from './outbox.ts';
import type { RequestMemo } from './request-memo.ts';

/** What connections of one lane share. */
export interface Lane {
  readonly handler: Handler;
  /** Its buffer is what the sockets that read are given to read into. */
  readonly memo: RequestMemo;
  readonly outbox: Outbox;
  /** Told of every answer, if anybody is to be. */
  readonly answered: Answered | undefined;
  /** Whether connections are to end with their next answer. */
  readonly closing: boolean;
  /** Counts seconds. */
  readonly clock: number;
  /** Takes over a socket whose bytes are unread. */
  handOver(socket: Socket): void;
  ended(connection: LaneConnection): void;
}

/** Seconds that a connection may take. */
export interface LaneLimits {
  /** For its first request. */
  readonly head: number;
  /** For the next request. */
  readonly idle: number;
  /** Without taking a byte of an answer. */
  readonly stall: number;
}
