import type { LinkTrust } from './introduction.ts';
import type { CheckedLinkOptions } from './link-options.ts';
import type { Payloads } from './payloads.ts';

/** What a link is made of. */
export interface LinkParts {
  readonly payloads: Payloads;
  readonly options: CheckedLinkOptions;
  /** This machine's name. */
  readonly machine: string;
  readonly trust: LinkTrust;
  /** The endpoint's. */
  readonly name: string;
  /** The link is closed: its inbox goes. */
  closed(): void;
}
