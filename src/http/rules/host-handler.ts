import { ArgumentError, describe } from '../../base/error.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { Handler, PendingAnswer, Recipient, ServerRequest } from '../message/exchange.ts';

const MAX_HOSTS = 1000;
const HOST_PATTERN = /^(\*\.)?([a-z0-9_-]+\.)*[a-z0-9_-]+$|^\[[0-9a-f:.]+\]$/i;

/** Whether a text names hosts: `example.com`, or `*.example.com` for all below it. */
export function isHostPattern(text: string): boolean {
  return HOST_PATTERN.test(text);
}

/** Has requests answered by whom their host is named for: a name itself, else the longest `*.` that fits. */
export class HostHandler implements Handler {
  readonly letsRepeat = true;
  readonly takesUpgrades: boolean;
  readonly #exact = new Map<string, Handler>();
  /** By what names end with, the longest first. */
  readonly #endings: [ending: string, handler: Handler][] = [];
  readonly #otherwise: Handler;
  readonly #known = new RecentMap<string, Handler>(MAX_HOSTS);

  /**
   * @param hosts by name or pattern
   * @param otherwise who answers for all other hosts
   * @throws ERR_IOLITE_ARGUMENT
   */
  constructor(hosts: ReadonlyMap<string, Handler>, otherwise: Handler) {
    this.#otherwise = otherwise;
    this.takesUpgrades = [...hosts.values(), otherwise].some(({ takesUpgrades }) => takesUpgrades === true);
    for (const [pattern, handler] of hosts) {
      if (!isHostPattern(pattern)) {
        throw new ArgumentError(
          `Cannot use hosts: a name, or a name behind '*.', is wanted, ${describe(pattern)} was given`,
        );
      }
      if (pattern.startsWith('*.')) this.#endings.push([pattern.slice(1).toLowerCase(), handler]);
      else this.#exact.set(pattern.toLowerCase(), handler);
    }
    this.#endings.sort(([a], [b]) => b.length - a.length);
  }

  answer(request: ServerRequest, recipient: Recipient): PendingAnswer | undefined {
    const handler = this.#handlerFor(hostOf(request));
    if (handler.letsRepeat === true) return handler.answer(request, recipient);
    return handler.answer(request, {
      answered: answer => recipient.answered(answer),
      declined: () => recipient.declined(),
      failed: error => recipient.failed(error),
    });
  }

  #handlerFor(host: string): Handler {
    let handler = this.#known.get(host);
    if (handler === undefined) {
      const name = host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
      const ending = this.#endings.find(([each]) => name.endsWith(each) && name.length > each.length);
      handler = this.#exact.get(name) ?? ending?.[1] ?? this.#otherwise;
      this.#known.set(host, handler);
    }
    return handler;
  }
}

/** The host that a request is for (RFC 9112, 3.2.2; RFC 9113, 8.3.1), with its port. */
function hostOf(request: ServerRequest): string {
  const { target } = request;
  const absolute = target.startsWith('/') ? undefined : /^https?:\/\/([^/?]*)/i.exec(target)?.[1];
  return absolute ?? request.header(':authority') ?? request.header('host') ?? '';
}
