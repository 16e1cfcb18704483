import { BoundedMap } from '../../base/bounded-map.ts';
import type { Answer, Handler, ServerRequest } from '../message/exchange.ts';

/**
 * Milliseconds for which a file that was not there is not looked for: as long as a cache uses one that is,
 * unseen.
 */
const MEMORY = 1000;
const MOST_REMEMBERED = 4096;

/**
 * A site in front of an application, which leaves to it what it has no file for. That there is none is
 * remembered for a second, so that requests to the application cost no look at the disk each.
 */
export class Absences implements Handler {
  readonly #site: Handler;
  /** By path, until when it counts. */
  readonly #absent = new BoundedMap<string, number>(MOST_REMEMBERED);

  /** @param site one whose answers depend on the path alone, where it has none */
  constructor(site: Handler) {
    this.#site = site;
  }

  answerNow(request: ServerRequest): Answer | undefined {
    return this.#site.answerNow?.(request);
  }

  declines({ method, target }: ServerRequest): boolean {
    if (method !== 'GET' && method !== 'HEAD') return false;
    const until = this.#absent.get(pathOf(target));
    return until !== undefined && performance.now() < until;
  }

  answer(request: ServerRequest, signal: AbortSignal): Promise<Answer | undefined> {
    const { method, target } = request;
    if (method !== 'GET' && method !== 'HEAD') return this.#site.answer(request, signal);
    return this.declines(request) ? NONE : this.#look(pathOf(target), request, signal);
  }

  async #look(path: string, request: ServerRequest, signal: AbortSignal): Promise<Answer | undefined> {
    const answer = await this.#site.answer(request, signal);
    if (answer === undefined) this.#absent.set(path, performance.now() + MEMORY);
    return answer;
  }
}

const NONE = Promise.resolve(undefined);

function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}
