import { createHash, timingSafeEqual } from 'node:crypto';
import { ArgumentError, describe } from '../../base/error.ts';
import type { Answer, ServerRequest } from '../message/exchange.ts';
import { statusAnswer, textAnswer } from '../message/status-answer.ts';
import { failureAnswer } from '../message/status-of-error.ts';
import { stringsOf } from '../message/structured-fields.ts';
import type { Invalidated, InvalidateOptions } from './invalidation.ts';
import type { Resource } from './resource.ts';

/** Who may have responses forgotten by requests with the method PURGE. */
export interface PurgeOptions {
  /** What they say in Authorization: `Bearer <token>`. 16 characters at least. */
  readonly token: string;
}

const MIN_TOKEN_CHARACTERS = 16;
const MODES: ReadonlySet<string> = new Set(['drop', 'stale']);

/** Answers PURGE: forgets, or has validated, what a request names. */
export class Purge {
  readonly #digest: Buffer;
  readonly #invalidate: (options: InvalidateOptions) => Promise<Invalidated>;

  /** @throws ERR_IOLITE_ARGUMENT */
  constructor({ token }: PurgeOptions, invalidate: (options: InvalidateOptions) => Promise<Invalidated>) {
    if (typeof token !== 'string' || token.length < MIN_TOKEN_CHARACTERS)
      throw new ArgumentError(
        `Cannot create proxy: purge needs a token of ${MIN_TOKEN_CHARACTERS} characters`,
      );
    this.#digest = digestOf(token);
    this.#invalidate = invalidate;
  }

  /**
   * The target names what is forgotten; all that begins with it if it ends with `*`; nothing if the request
   * has Cache-Groups (RFC 9875), whose groups are meant then. Purge-Mode says `stale` or `drop`.
   */
  async answer(request: ServerRequest, resource: Resource): Promise<Answer> {
    if (!this.#isAdmitted(request)) return statusAnswer(401, ['WWW-Authenticate', 'Bearer']);
    const mode = request.header('purge-mode') ?? 'drop';
    if (!MODES.has(mode)) return statusAnswer(400);
    const named = namedBy(request, resource);
    if (named === undefined) return statusAnswer(400);
    try {
      const done = await this.#invalidate({ ...named, mode: mode as 'drop' | 'stale' });
      return textAnswer(200, 'application/json', `${JSON.stringify(done)}\n`, ['Cache-Control', 'no-store']);
    } catch (error) {
      if (error instanceof ArgumentError) return statusAnswer(400);
      return failureAnswer(error, 'origin');
    }
  }

  #isAdmitted(request: ServerRequest): boolean {
    const [, token = ''] = /^bearer +(\S+)$/i.exec(request.header('authorization') ?? '') ?? [];
    return timingSafeEqual(digestOf(token), this.#digest);
  }
}

/** Checks that options are those of {@link Purge}. @throws ERR_IOLITE_ARGUMENT */
export function checkPurge(purge: unknown): asserts purge is PurgeOptions | undefined {
  if (purge === undefined || (typeof purge === 'object' && purge !== null)) return;
  throw new ArgumentError(`Cannot create proxy: purge with a token is wanted, ${describe(purge)} was given`);
}

function namedBy(
  request: ServerRequest,
  { scheme, authority, path }: Resource,
): Pick<InvalidateOptions, 'urls' | 'prefixes' | 'groups'> | undefined {
  const field = request.header('cache-groups');
  if (field !== undefined) {
    const groups = stringsOf(field);
    return groups === undefined || groups.length === 0 ? undefined : { groups };
  }
  const target = `${scheme}://${authority}${path}`;
  return target.endsWith('*') ? { prefixes: [target.slice(0, -1)] } : { urls: [target] };
}

/** Of one length, whatever is compared. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
