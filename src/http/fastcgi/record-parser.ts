import type { Aggregate } from '../../aggregate/aggregate.ts';
import { IoliteError } from '../../base/error.ts';
import {
  MANAGEMENT_ID,
  RECORD_HEAD_BYTES,
  REQUEST_ID,
  type RecordHead,
  RecordType,
  type RequestEnd,
  readEnd,
  readRecordHead,
} from './record.ts';

/** Who is told what came. */
export interface RecordSink {
  /** A part of what the application answers. It is released by whoever takes it. */
  output(part: Aggregate): void;
  /** A part of what it says besides. It is released by whoever takes it. */
  error(part: Aggregate): void;
  /** The request is over. */
  ended(end: RequestEnd): void;
}

/** Bytes about the connection that are passed over: nothing of it was asked for. */
const MAX_MANAGEMENT_BYTES = 64 * 1024;
const END_BYTES = 8;

/**
 * Takes the records of one request out of what a FastCGI application sends, in whatever pieces that comes.
 * Content is passed on by reference as it comes; what is kept are the beginnings of heads.
 */
export class RecordParser {
  readonly #sink: RecordSink;
  /** The head, or the content of END_REQUEST, as far as it has come. */
  #bytes = Buffer.alloc(RECORD_HEAD_BYTES);
  #filled = 0;
  #head: RecordHead | undefined;
  /** Bytes of content and of padding that are to come. */
  #content = 0;
  #padding = 0;
  #management = 0;
  #isEnded = false;

  constructor(sink: RecordSink) {
    this.#sink = sink;
  }

  /** Whether the request is over, and nothing of another record has come. */
  get isClean(): boolean {
    return this.#isEnded && this.#head === undefined && this.#filled === 0;
  }

  /**
   * @param piece that came; it stays the caller's
   * @throws ERR_IOLITE_PROTOCOL for what no application may send
   */
  push(piece: Aggregate): void {
    let at = 0;
    while (at < piece.length) {
      const length = piece.length - at;
      if (this.#head === undefined) at += this.#takeHead(piece, at);
      else if (this.#content > 0)
        at += this.#takeContent(this.#head, piece, at, Math.min(length, this.#content));
      else {
        const skipped = Math.min(length, this.#padding);
        this.#padding -= skipped;
        at += skipped;
      }
      if (this.#head !== undefined && this.#content === 0 && this.#padding === 0) this.#head = undefined;
    }
  }

  #takeHead(piece: Aggregate, at: number): number {
    const taken = this.#fill(piece, at, RECORD_HEAD_BYTES);
    if (this.#filled < RECORD_HEAD_BYTES) return taken;
    this.#filled = 0;
    const head = readRecordHead(this.#bytes);
    if (head === undefined) throw wrong('a record of another version');
    this.#check(head);
    this.#head = head;
    this.#content = head.length;
    this.#padding = head.padding;
    return taken;
  }

  #check({ type, id, length, padding }: RecordHead): void {
    if (id === MANAGEMENT_ID && (type === RecordType.GET_VALUES_RESULT || type === RecordType.UNKNOWN_TYPE)) {
      this.#management += RECORD_HEAD_BYTES + length + padding;
      if (this.#management > MAX_MANAGEMENT_BYTES) throw wrong('too much about the connection');
      return;
    }
    if (id !== REQUEST_ID) throw wrong(`a record of request ${id}, which there is none of`);
    if (this.#isEnded) throw wrong('a record of a request that was over');
    const isKnown =
      type === RecordType.STDOUT || type === RecordType.STDERR || type === RecordType.END_REQUEST;
    if (!isKnown) throw wrong(`a record of type ${type}`);
    if (type === RecordType.END_REQUEST && length !== END_BYTES) throw wrong('an end of a wrong length');
  }

  #takeContent({ type, id }: RecordHead, piece: Aggregate, at: number, length: number): number {
    this.#content -= length;
    if (id === MANAGEMENT_ID) return length;
    if (type === RecordType.END_REQUEST) {
      this.#fill(piece, at, END_BYTES);
      if (this.#content > 0) return length;
      this.#filled = 0;
      this.#isEnded = true;
      this.#sink.ended(readEnd(this.#bytes) as RequestEnd);
    } else if (type === RecordType.STDOUT) this.#sink.output(piece.slice(at, at + length));
    else this.#sink.error(piece.slice(at, at + length));
    return length;
  }

  /** @returns how many bytes of the piece were taken */
  #fill(piece: Aggregate, at: number, size: number): number {
    const length = Math.min(size - this.#filled, piece.length - at);
    piece.copyTo(this.#bytes, this.#filled, at, at + length);
    this.#filled += length;
    return length;
  }
}

function wrong(what: string): IoliteError {
  return new IoliteError('ERR_IOLITE_PROTOCOL', `The FastCGI application sent ${what}`);
}
