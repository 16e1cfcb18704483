import { STATUS_CODES } from 'node:http';
import { IoliteError } from '../../base/error.ts';
import { type HeaderList, pairsOf } from './header-list.ts';

/**
 * An answer that is an error, as the error handlers of Connect and Express take it: they answer with its
 * status and fields. Code ERR_IOLITE_STATUS; its name is the status's, as NotFoundError.
 */
export class StatusError extends IoliteError {
  readonly status: number;
  readonly statusCode: number;
  /** Whether clients may see the message. */
  readonly expose: boolean;
  readonly headers: Readonly<Record<string, string>>;

  /** @param fields that belong to the status, as Content-Range to 416 */
  constructor(status: number, fields: HeaderList = []) {
    super('ERR_IOLITE_STATUS', STATUS_CODES[status] ?? `Status ${status}`);
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
