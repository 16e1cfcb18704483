import { RecentMap } from '../../base/recent-map.ts';
import type { Repeatable } from '../../base/repeatable.ts';
import { shortCopy } from '../../base/short-copy.ts';
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
  /** By path. */
  readonly #missing = new RecentMap<string, Absence>(MAX_PATHS);

  /** @param site one whose answers depend on the path alone, where it has none */
  constructor(site: Handler) {
    this.#site = site;
    this.letsRepeat = site.letsRepeat === true;
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    const { method, target } = request;
    if (method !== 'GET' && method !== 'HEAD') return this.#site.answer(request, recipient);
    const path = pathOf(target);
    const absence = this.#missing.get(path);
    if (absence?.mayRepeat() === true) {
      recipient.declined(absence);
      return undefined;
    }
    return this.#site.answer(request, new Watch(this.#missing, path, recipient));
  }
}

/** That there was no file a moment ago. */
class Absence implements Repeatable {
  readonly #until = performance.now() + ABSENCE_MS;

  mayRepeat(): boolean {
    return performance.now() < this.#until;
  }
}

/** Whom a site's answer is for, and who notes that it has none. */
class Watch implements Recipient {
  readonly #missing: RecentMap<string, Absence>;
  readonly #path: string;
  readonly #recipient: Recipient;

  constructor(missing: RecentMap<string, Absence>, path: string, recipient: Recipient) {
    this.#missing = missing;
    this.#path = path;
    this.#recipient = recipient;
  }

  answered(answer: Answer, repeatable?: Repeatable): void {
    this.#recipient.answered(answer, repeatable);
  }

  declined(): void {
    const absence = new Absence();
    const key = shortCopy(this.#path);
    if (key !== undefined) this.#missing.set(key, absence);
    this.#recipient.declined(absence);
  }

  failed(error: unknown): void {
    this.#recipient.failed(error);
  }
}

function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}
