import type { FileCache } from '../../file/cache/file-cache.ts';
import { FastCgiGateway } from '../../http/fastcgi/fastcgi-gateway.ts';
import { SentFiles } from '../../http/fastcgi/sent-files.ts';
import type { Handler } from '../../http/message/exchange.ts';
import type { FailureListener } from '../../http/rules/dressed-recipient.ts';
import { appViewOptions } from '../../http/server/app-view.ts';
import { type ContentRule, composeContent, type HostParts } from '../../http/server/compose.ts';
import type { SiteOptions } from '../../http/site/site-options.ts';
import type { WorkerContent, WorkerRule, WorkerSettings } from './worker-settings.ts';

/** Who answers in a worker, by the numbers that its settings have. */
export interface WorkerParts {
  readonly first: readonly Handler[];
  readonly gateways: readonly Handler[];
  readonly proxies: readonly Handler[];
  /** Undefined where no files are served. */
  readonly cache: FileCache | undefined;
  readonly failed: FailureListener;
  /** Told what scripts say besides, and why they gave no response. */
  readonly complain: (text: string) => void;
}

interface Parts extends WorkerParts {
  readonly scripts: Scripts;
}

/** The FastCGI responders of a worker, each once. */
class Scripts {
  readonly #complain: (text: string) => void;
  readonly #gateways = new Map<string, FastCgiGateway>();

  constructor(complain: (text: string) => void) {
    this.#complain = complain;
  }

  get isEmpty(): boolean {
    return this.#gateways.size === 0;
  }

  /** No site sends the text of a script, whoever runs it. */
  readonly withholds = (path: string): boolean => {
    for (const { isScript } of this.#gateways.values()) if (isScript(path)) return true;
    return false;
  };

  gateway(
    settings: NonNullable<WorkerContent['fastcgi']>,
    site: object,
    cache: FileCache | undefined,
  ): Handler {
    const { options, view } = settings;
    const key = JSON.stringify(settings);
    const known = this.#gateways.get(key);
    if (known !== undefined) return known;
    const made = new FastCgiGateway(options, (text, { method, target }) =>
      this.#complain(`${method} ${target}: ${text}`),
    );
    this.#gateways.set(key, made);
    if (view === undefined || cache === undefined) return made;
    const { withholds } = this;
    made.sends(new SentFiles(appViewOptions(view), { ...site, ...view.site, cache, withholds }));
    return made;
  }

  redirectTo(whole: Handler): void {
    for (const gateway of this.#gateways.values()) gateway.redirectsTo(whole);
  }
}

/** What a worker answers with. @throws ERR_IOLITE_ARGUMENT */
export function contentOf({ content, hosts }: WorkerSettings, given: WorkerParts): Handler {
  const scripts = new Scripts(given.complain);
  const parts = { ...given, scripts };
  const own = partsOf(content, parts);
  const named = new Map(Object.entries(hosts).map(([name, each]) => [name, partsOf(each, parts)]));
  const withholds = scripts.isEmpty ? undefined : scripts.withholds;
  const { first, failed } = parts;
  const whole = composeContent({ ...own, first, failed, withholds, hosts: named });
  scripts.redirectTo(whole);
  return whole;
}

/** Whether there are any files to be served. */
export function servesFiles({ content, hosts }: WorkerSettings): boolean {
  return [content, ...Object.values(hosts)].some(
    ({ root, rules = [] }) => root !== undefined || rules.some(rule => rule.root !== undefined),
  );
}

function partsOf(content: WorkerContent, parts: Parts): HostParts {
  const { headers, cors, rules = [] } = content;
  return { ...answerersOf(content, parts), headers, cors, rules: rules.map(rule => ruleOf(rule, parts)) };
}

function ruleOf(rule: WorkerRule, parts: Parts): ContentRule {
  const { root: _root, site: _site, app: _app, origin: _origin, fastcgi: _fastcgi, ...said } = rule;
  return { ...said, ...answerersOf(rule, parts) };
}

function answerersOf(
  { root, site = {}, app, fastcgi, origin }: WorkerContent | WorkerRule,
  { gateways, proxies, cache, scripts }: Parts,
): Pick<HostParts, 'files' | 'behind'> {
  const { headers, ...options } = site;
  const hasFiles = root !== undefined && cache !== undefined;
  const script = fastcgi && scripts.gateway(fastcgi, options, cache);
  return {
    files: hasFiles ? { root, site: options as SiteOptions, cache, headers } : undefined,
    behind: script ?? (app === undefined ? proxies[origin ?? -1] : gateways[app]),
  };
}
