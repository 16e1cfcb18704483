import { STATUS_CODES } from 'node:http';
import { type ForeignErrorCode, IoliteError } from '../../base/error.ts';
import { type HeaderList, pairsOf } from './header-list.ts';

/**
 * An answer that is an error, as the error handlers of Connect and Express take it: they answer with its
 * status and fields. Code ERR_IOLITE_STATUS, or its cause's; named after the
 * status, as NotFoundError.
 */
export class StatusError extends IoliteError {
  /** Of the answer. */
  readonly status: number;
  /** The same, for those who look for it under this name. */
  readonly statusCode: number;
  /** Whether clients may see the message. */
  readonly expose: boolean;
  /** Fields that belong to the status. */
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param fields that belong to the status, as Content-Range to 416
   * @param cause why there is no other answer: the code is that of the file system, if it has one
   */
  constructor(status: number, fields: HeaderList = [], cause?: unknown) {
    const { code = 'ERR_IOLITE_STATUS' } = (cause ?? {}) as { code?: ForeignErrorCode };
    const options = cause === undefined ? undefined : { cause };
    super(code, STATUS_CODES[status] ?? `Status ${status}`, options);
    this.status = status;
    this.statusCode = status;
    this.expose = status < 500;
    this.headers = Object.fromEntries(pairsOf(fields));
    this.name = nameOf(status);
  }
}

/** As the package http-errors names errors. */
function nameOf(status: number): string {
  const words = (STATUS_CODES[status] ?? 'Status').replace(/[^ a-z]/gi, '').split(' ');
  const name = words.map(word => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
  return name.endsWith('Error') ? name : `${name}Error`;
}
