import type { Answer, ServerRequest } from './exchange.ts';
import { statusAnswer } from './status-answer.ts';

/** Who failed: this server with a file, an application, or the server behind the proxy. */
export type FailureSource = 'file' | 'application' | 'origin';

interface Statuses {
  readonly byCode: ReadonlyMap<unknown, number>;
  /** For errors that are not known. */
  readonly otherwise: number;
}

const STATUSES: Readonly<Record<FailureSource, Statuses>> = {
  file: {
    otherwise: 500,
    byCode: new Map([
      ['ENOENT', 404],
      ['ENOTDIR', 404],
      ['ELOOP', 404],
      ['ENAMETOOLONG', 404],
      ['EISDIR', 404],
      ['EACCES', 403],
      ['EPERM', 403],
      ['EMFILE', 503],
      ['ENFILE', 503],
      ['ENOMEM', 503],
      ['ERR_IOLITE_LIMIT', 503],
      ['ERR_IOLITE_CLOSED', 503],
      ['ERR_IOLITE_PEER', 503],
    ]),
  },
  application: {
    otherwise: 502,
    byCode: new Map([
      ['ERR_IOLITE_APPLICATION', 500],
      ['ERR_IOLITE_BUSY', 503],
      // There is no room for the body of the request.
      ['ERR_IOLITE_LIMIT', 503],
      ['ERR_IOLITE_TIMEOUT', 504],
      ['ERR_IOLITE_TOO_LONG', 413],
    ]),
  },
  origin: {
    otherwise: 502,
    byCode: new Map([
      // What the client sent: a method or field that cannot be sent on, or a body that is not as long as it
      // says.
      ['ERR_IOLITE_ARGUMENT', 400],
      ['ERR_IOLITE_BUSY', 503],
      ['ERR_IOLITE_CLOSED', 503],
      ['ERR_IOLITE_TIMEOUT', 504],
    ]),
  },
};

/** The status that tells a client of an error, by who failed and the error's code. */
export function statusOf(error: unknown, source: FailureSource): number {
  const { byCode, otherwise } = STATUSES[source];
  const { code } = (error ?? {}) as { code?: unknown };
  return byCode.get(code) ?? otherwise;
}

/** The answer in place of one that somebody failed to give. */
export function failureAnswer(error: unknown, source: FailureSource): Answer {
  return statusAnswer(statusOf(error, source));
}

/**
 * The answer in place of one that a handler failed to give, which is a bug of it: 500.
 * @param failed told of it. What it throws becomes a warning of the process: the client gets its answer
 */
export function handlerFailure(
  error: unknown,
  request: ServerRequest,
  failed: ((error: unknown, request: ServerRequest) => void) | undefined,
): Answer {
  try {
    failed?.(error, request);
  } catch (cause) {
    process.emitWarning(cause instanceof Error ? cause : String(cause));
  }
  return statusAnswer(500);
}
