import type { Handler } from '../message/exchange.ts';
import type { CorsOptions } from './cors.ts';
import type { FieldRecord } from './field-set.ts';

/** Where a request is sent to. */
export interface Redirect {
  /** A path or URL, in which `$1` is what the first `*` of the pattern meant. */
  readonly to: string;
  /** Default 301, which is for good. */
  readonly status?: 301 | 302 | 303 | 307 | 308 | undefined;
}

/** What holds for paths, and for the files that are sent. */
export interface Rule {
  /**
   * Paths: a glob (`/assets/**`), all below a folder (`/api/`), or one path. One of several is enough.
   * What is said of fields holds, too, where the file that is sent has such a path: `/index.html` means the
   * page of `/` and of all that it stands for.
   */
  readonly match: string | readonly string[];
  /** Fields of all answers: also of errors, redirects, and what an origin says. null takes one away. */
  readonly headers?: FieldRecord | undefined;
  /** The value of Cache-Control in answers that succeed. */
  readonly cacheControl?: string | undefined;
  /** How long clients may keep what they get: milliseconds, or a text as '1 day'. */
  readonly maxAge?: number | string | undefined;
  /** Tells clients that it does not change within `maxAge`, a year unless it is said. */
  readonly immutable?: boolean | undefined;
  /** Who may read answers from pages of other sites; true: all. Preflights are answered. */
  readonly cors?: CorsOptions | boolean | undefined;
  /** Answers with a redirect. */
  readonly redirect?: Redirect | string | undefined;
  /** The path that is looked for in place of the one that was sent: by later rules, and by who answers. */
  readonly rewrite?: string | undefined;
  /** What the path begins with that whoever answers by this rule does not see: `/docs`. */
  readonly strip?: string | undefined;
}

/** Who answers, and below which path its files lie. */
export interface RuleTarget {
  readonly handler: Handler;
  /** What the paths of its files begin with. */
  readonly root?: string | undefined;
}

/** A rule, and who answers by it, if that is not who answers anyway. */
export interface TargetedRule extends Rule {
  readonly target?: RuleTarget | undefined;
}
