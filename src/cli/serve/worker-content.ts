import type { FileCache } from '../../file/cache/file-cache.ts';
import type { Handler } from '../../http/message/exchange.ts';
import type { FailureListener } from '../../http/rules/dressed-recipient.ts';
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
}

/** What a worker answers with. @throws ERR_IOLITE_ARGUMENT */
export function contentOf({ content, hosts }: WorkerSettings, parts: WorkerParts): Handler {
  return composeContent({
    ...partsOf(content, parts),
    first: parts.first,
    failed: parts.failed,
    hosts: new Map(Object.entries(hosts).map(([name, each]) => [name, partsOf(each, parts)])),
  });
}

/** Whether there are any files to be served. */
export function servesFiles({ content, hosts }: WorkerSettings): boolean {
  return [content, ...Object.values(hosts)].some(
    ({ root, rules = [] }) => root !== undefined || rules.some(rule => rule.root !== undefined),
  );
}

function partsOf(content: WorkerContent, parts: WorkerParts): HostParts {
  const { headers, cors, rules = [] } = content;
  return { ...answerersOf(content, parts), headers, cors, rules: rules.map(rule => ruleOf(rule, parts)) };
}

function ruleOf(rule: WorkerRule, parts: WorkerParts): ContentRule {
  const { root: _root, site: _site, app: _app, origin: _origin, ...said } = rule;
  return { ...said, ...answerersOf(rule, parts) };
}

function answerersOf(
  { root, site = {}, app, origin }: WorkerContent | WorkerRule,
  { gateways, proxies, cache }: WorkerParts,
): Pick<HostParts, 'files' | 'behind'> {
  const { headers, ...options } = site;
  const hasFiles = root !== undefined && cache !== undefined;
  return {
    files: hasFiles ? { root, site: options as SiteOptions, cache, headers } : undefined,
    behind: app === undefined ? proxies[origin ?? -1] : gateways[app],
  };
}
