import { RecentMap } from '../../base/recent-map.ts';
import type { Repeatable } from '../../base/repeatable.ts';
import type { Answer, Handler, PendingAnswer, Recipient, ServerRequest } from '../message/exchange.ts';

/** How long a file that was not there is not looked for: as long as a cache uses one that is, unseen. */
const ABSENCE_MS = 1000;
const MAX_PATHS = 4096;

/**
 * A site in front of an application, which leaves to it what it has no file for. That there is none is
 * remembered for a second, so that requests to the application cost no look at the disk each.
 */
export class MissingFiles implements Handler {
  readonly letsRepeat: boolean;
  readonly #site: Handler;
  /** By path, until when it counts. */
  readonly #missing = new RecentMap<string, number>(MAX_PATHS);

  /** @param site one whose answers depend on the path alone, where it has none */
  constructor(site: Handler) {
    this.#site = site;
    this.letsRepeat = site.letsRepeat === true;
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    const { method, target } = request;
    if (method !== 'GET' && method !== 'HEAD') return this.#site.answer(request, recipient);
    const path = pathOf(target);
    const until = this.#missing.get(path);
    if (until !== undefined && performance.now() < until) {
      recipient.declined();
      return undefined;
    }
    return this.#site.answer(request, new Watch(this.#missing, path, recipient));
  }
}

/** Whom a site's answer is for, and who notes that it has none. */
class Watch implements Recipient {
  readonly #missing: RecentMap<string, number>;
  readonly #path: string;
  readonly #recipient: Recipient;

  constructor(missing: RecentMap<string, number>, path: string, recipient: Recipient) {
    this.#missing = missing;
    this.#path = path;
    this.#recipient = recipient;
  }

  answered(answer: Answer, repeatable?: Repeatable): void {
    this.#recipient.answered(answer, repeatable);
  }

  declined(): void {
    this.#missing.set(this.#path, performance.now() + ABSENCE_MS);
    this.#recipient.declined();
  }

  failed(error: unknown): void {
    this.#recipient.failed(error);
  }
}

function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}
