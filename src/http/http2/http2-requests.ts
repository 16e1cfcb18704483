import { isStream } from '../message/body.ts';
import { IncomingBody } from '../message/incoming-body.ts';
import { dateBlock, type PreparedReply } from './answer-block.ts';
import type { FloodGuard } from './flood-guard.ts';
import type { BlockFault } from './head-reader.ts';
import { Http2Stream, type StreamHost } from './http2-stream.ts';
import { Repetition } from './repetition.ts';
import { type Http2Head, UNREAD_HEAD } from './request-head.ts';
import type { Sending } from './sending.ts';
import type { StreamTable } from './stream-table.ts';
import { FLAG, REASON } from './wire/frame.ts';
import type { PeerSettings } from './wire/peer-settings.ts';

/** Requests under way on one connection: as many as the standard recommends at least (RFC 9113, 6.5.2). */
export const MAX_STREAMS = 100;
const NOTHING = Buffer.alloc(0);

/** The connection that requests come on. */
export interface RequestsHost extends StreamHost {
  readonly streams: StreamTable;
  readonly settings: PeerSettings;
  readonly guard: FloodGuard;
}

/** Takes the requests of a connection, and sends at once what can be answered at once. */
export class Http2Requests {
  readonly #connection: RequestsHost;
  readonly #sending: Sending;
  /** When the requests came that are being answered. */
  #now = 0;

  constructor(connection: RequestsHost, sending: Sending) {
    this.#connection = connection;
    this.#sending = sending;
  }

  /** Bytes came, of which the next requests are. */
  begin(): void {
    this.#now = this.#connection.host.reports?.now() ?? 0;
  }

  /**
   * Answers a request, or has it answered.
   * @param isComplete whether it has no body
   * @returns why it is refused, if it is
   */
  take(id: number, head: Http2Head | BlockFault, isComplete: boolean): number | undefined {
    if (head === 'malformed') return REASON.protocol;
    if (this.#connection.streams.size >= MAX_STREAMS) return REASON.refused;
    if (head === 'tooLarge') {
      this.#answer(id, UNREAD_HEAD, isComplete);
      return undefined;
    }
    if (isComplete) {
      if ((head.contentLength ?? 0) > 0) return REASON.protocol;
      const mayRepeat = head.repetition !== undefined && this.#connection.host.mayRepeat;
      if (mayRepeat && this.#repeat(id, head)) return undefined;
    }
    this.#answer(id, head, isComplete);
    return undefined;
  }

  /** Answers a request as it was answered before, if that is still right. @returns whether it did */
  #repeat(id: number, head: Http2Head): boolean {
    const repetition = head.repetition as Repetition;
    if (!repetition.repeatable.mayRepeat()) {
      head.repetition = undefined;
      return false;
    }
    const { block, bodyBytes, status } = repetition;
    const date = repetition.addsDate ? dateBlock() : NOTHING;
    const { output } = this.#connection.host;
    const memory = bodyBytes === 0 ? NOTHING : repetition.memory;
    if (
      memory === undefined ||
      !this.#sending.mayAnswer(block.length + date.length, bodyBytes, this.#connection.settings.initialWindow)
    ) {
      return this.#repeatLater(id, head, { status, block, last: date, body: undefined });
    }
    this.#sending.block(id, bodyBytes === 0 ? FLAG.endStream : 0, block, date);
    if (bodyBytes > 0) {
      this.#sending.bodyHead(id, bodyBytes);
      output.part(memory, repetition.start, bodyBytes);
    }
    this.#answered(bodyBytes);
    const { reports } = this.#connection.host;
    if (reports !== undefined) {
      const stream = new Http2Stream(this.#connection, id, head, 0, this.#now);
      reports.tell(stream, status, bodyBytes, this.#now, true);
    }
    return true;
  }

  /** As {@link #repeat}, where the answer has to wait for the client. */
  #repeatLater(id: number, head: Http2Head, reply: PreparedReply): boolean {
    const { bodyBytes } = head.repetition as Repetition;
    const body = bodyBytes === 0 ? undefined : head.repetition?.content();
    if (bodyBytes > 0 && body === undefined) return false;
    const stream = new Http2Stream(
      this.#connection,
      id,
      head,
      this.#connection.settings.initialWindow,
      this.#now,
    );
    this.#connection.streams.add(stream);
    stream.send({ ...reply, body });
    this.#sending.ready(stream);
    return true;
  }

  #answer(id: number, head: Http2Head, isComplete: boolean): void {
    const stream = new Http2Stream(
      this.#connection,
      id,
      head,
      this.#connection.settings.initialWindow,
      this.#now,
    );
    if (!isComplete) {
      stream.isComplete = false;
      const length = Number(stream.header('content-length') ?? Number.NaN);
      stream.upload = new IncomingBody(stream, this.#connection.host.pool, length);
    }
    const outcome = stream.ask();
    if (outcome === undefined) {
      this.#connection.streams.add(stream);
      return;
    }
    const reply = stream.prepare(outcome);
    if (isComplete && head.notes !== undefined && this.#connection.host.handler.letsRepeat === true) {
      const { repeatable } = stream;
      // What stands for an answer that cannot be sent is not the handler's.
      if (repeatable !== undefined && reply.status === outcome.status)
        head.repetition = Repetition.of(repeatable, reply, dateBlock());
    }
    if (isComplete && this.#answerNow(stream, reply)) return;
    this.#connection.streams.add(stream);
    stream.send(reply);
    this.#sending.ready(stream);
  }

  /** Sends all of an answer, if it can leave at once. @returns whether it did */
  #answerNow(stream: Http2Stream, { status, block, last, body }: PreparedReply): boolean {
    if (isStream(body)) return false;
    const bodyBytes = body?.length ?? 0;
    if (!this.#sending.mayAnswer(block.length + last.length, bodyBytes, stream.window)) return false;
    this.#sending.block(stream.id, body === undefined || bodyBytes === 0 ? FLAG.endStream : 0, block, last);
    if (body !== undefined) {
      if (bodyBytes > 0) this.#sending.bodyHead(stream.id, bodyBytes);
      this.#connection.host.output.whole(body);
    }
    this.#answered(bodyBytes);
    this.#connection.host.reports?.tell(stream, status, bodyBytes, this.#now, false);
    return true;
  }

  #answered(bytes: number): void {
    this.#connection.guard.answered();
    this.#connection.guard.moved(bytes);
  }
}
