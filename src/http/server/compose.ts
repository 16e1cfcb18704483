import type { FileCache } from '../../file/cache/file-cache.ts';
import type { Handler } from '../message/exchange.ts';
import { statusAnswer } from '../message/status-answer.ts';
import { compileRule } from '../rules/compiled-rule.ts';
import { Cors, type CorsOptions } from '../rules/cors.ts';
import { DressedHandler } from '../rules/dressed-handler.ts';
import type { FailureListener } from '../rules/dressed-recipient.ts';
import { type FieldRecord, FieldSet, fieldList } from '../rules/field-set.ts';
import { HostHandler } from '../rules/host-handler.ts';
import type { Rule, RuleTarget } from '../rules/rule.ts';
import { RuleBook } from '../rules/rule-book.ts';
import { RuleHandler } from '../rules/rule-handler.ts';
import { FallbackPage } from '../site/fallback-page.ts';
import { MissingFiles } from '../site/missing-files.ts';
import { createSite } from '../site/site.ts';
import type { CreateSiteOptions, SiteOptions } from '../site/site-options.ts';
import { Chain } from './chain.ts';

/** A directory, how its files are served, and the cache they are kept in. */
interface ContentFiles {
  readonly root: string;
  readonly site: SiteOptions;
  readonly cache: FileCache;
  /** Fields of all answers that are made from it, errors included. */
  readonly headers?: FieldRecord | undefined;
}

/** Who answers: files, and those who are asked for what no file answers. */
interface Answerers {
  readonly files?: ContentFiles | undefined;
  readonly behind?: Handler | undefined;
}

/** A rule, and who answers by it, if that is not who answers anyway. */
export interface ContentRule extends Rule, Answerers {}

/** What is served for some hosts, or for all. */
export interface HostParts extends Answerers {
  /** Fields of all answers, whoever gave them. */
  readonly headers?: FieldRecord | undefined;
  /** Who may read all answers from pages of other sites. */
  readonly cors?: CorsOptions | boolean | undefined;
  readonly rules?: readonly ContentRule[] | undefined;
}

/** What a server's content consists of. */
export interface ContentParts extends HostParts {
  /** Asked before all others, in this order. */
  readonly first?: readonly Handler[];
  /** What is served in place of that for hosts, by their names and patterns. */
  readonly hosts?: ReadonlyMap<string, HostParts> | undefined;
  /** Files that no site sends: see {@link CreateSiteOptions.withholds}. */
  readonly withholds?: Withholds;
  /** Told of what those who answer failed with. */
  readonly failed?: FailureListener;
}

type Withholds = CreateSiteOptions['withholds'];

/** What all parts have in common. */
interface Common {
  readonly failed: FailureListener;
  readonly withholds: Withholds;
}

/** What a server says to requests that nobody else answers. */
const NOT_FOUND: Handler = {
  letsRepeat: true,
  answer: (_, recipient) => {
    recipient.answered(statusAnswer(404));
    return undefined;
  },
};

/** The parts of a server's content as one handler, which declines nothing. @throws ERR_IOLITE_ARGUMENT */
export function composeContent({ first = [], hosts, failed, withholds, ...parts }: ContentParts): Handler {
  const common = { failed, withholds };
  const own = hostHandler(parts, first, common);
  if (hosts === undefined || hosts.size === 0) return own;
  const byName = new Map([...hosts].map(([name, each]) => [name, hostHandler(each, first, common)]));
  return new HostHandler(byName, own);
}

function hostHandler(parts: HostParts, first: readonly Handler[], common: Common): Handler {
  const { failed } = common;
  const { headers = {}, cors, rules = [] } = parts;
  const own = answerers(parts, common);
  const otherwise = { handler: new Chain(own), root: parts.files?.root };
  const compiled = rules.map(rule => compileRule({ ...rule, target: targetOf(rule, parts, common) }));
  // One chain, where that is all: each one costs a walk.
  const handlers = compiled.length === 0 ? own : [new RuleHandler(new RuleBook(compiled, otherwise), failed)];
  const all = new Chain([...first, ...handlers]);
  const fields = new FieldSet(fieldList(headers));
  const allowed = cors === undefined || cors === false ? undefined : new Cors(cors === true ? {} : cors);
  return fields.isEmpty && allowed === undefined ? all : new DressedHandler(all, fields, allowed, failed);
}

/** Files of a rule's own are before those behind of its own alone; without files, those behind have all. */
function targetOf(rule: ContentRule, parts: HostParts, common: Common): RuleTarget | undefined {
  const { files, behind } = rule;
  if (files === undefined && behind === undefined) return undefined;
  return {
    handler: new Chain(answerers({ files, behind: behind ?? (files && parts.behind) }, common)),
    root: files?.root,
  };
}

function answerers({ files, behind }: Answerers, { failed, withholds }: Common): readonly Handler[] {
  if (files === undefined) return behind === undefined ? [NOT_FOUND] : [behind, NOT_FOUND];
  const { root, site, cache, headers = {} } = files;
  const { fallback, ...others } = site;
  const fields = new FieldSet(fieldList(headers));
  const dressed = (handler: Handler): Handler =>
    fields.isEmpty ? handler : new DressedHandler(handler, fields, undefined, failed);
  if (behind === undefined) return [dressed(createSite(root, { ...site, cache, withholds })), NOT_FOUND];
  const made = createSite(root, { fallthrough: true, ...others, cache, withholds });
  // Whose page answers is known when those behind have none.
  const paged =
    fallback === undefined
      ? behind
      : new FallbackPage(behind, createSite(root, { ...site, cache, withholds }));
  return [new MissingFiles(dressed(made)), paged, NOT_FOUND];
}
