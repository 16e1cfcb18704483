import type { AppGatewayOptions } from '../../http/app/server-side/app-gateway.ts';
import type { FastCgiOptions } from '../../http/fastcgi/fastcgi-options.ts';
import type { ProxyAddresses } from '../../http/proxy/proxy-host.ts';
import type { Rule } from '../../http/rules/rule.ts';
import type { AccessFormat } from '../../http/server/access-format.ts';
import type { AppView } from '../../http/server/app-view.ts';
import type { HostParts } from '../../http/server/compose.ts';
import type { ServerLimits } from '../../http/server/http-server.ts';
import type { SecureSettings } from '../../network/tls/secure-settings.ts';
import type { PlaceRole } from './listen/listening-places.ts';
import type { SiteConfig } from './settings/content-schema.ts';

/** Who answers. */
interface WorkerAnswerers {
  /** The directory whose files are served, and how. */
  readonly root?: string | undefined;
  readonly site?: SiteConfig | undefined;
  /** The number of an application or an origin, which answers what no file does. */
  readonly app?: number | undefined;
  /** The same by a FastCGI responder, and which files its scripts may have sent. */
  readonly fastcgi?: { readonly options: FastCgiOptions; readonly view: AppView | undefined } | undefined;
  readonly origin?: number | undefined;
}

/** A rule, and who answers by it, if that is not who answers anyway. */
export interface WorkerRule extends Rule, WorkerAnswerers {}

/** What is served, to all hosts or to one. */
export interface WorkerContent extends WorkerAnswerers {
  readonly headers?: HostParts['headers'];
  readonly cors?: HostParts['cors'];
  readonly rules?: readonly WorkerRule[] | undefined;
}

/** What a worker of `iolite serve` is told when it starts; JSON. */
export interface WorkerSettings {
  readonly content: WorkerContent;
  /** What is served in place of that, by host. */
  readonly hosts: Readonly<Record<string, WorkerContent>>;
  readonly limits: ServerLimits;
  readonly tls?: SecureSettings | undefined;
  /** What the connections of each inherited socket are for. */
  readonly roles: readonly PlaceRole[];
  /** The port that clients of plain HTTP are sent to; undefined: where HTTPS is spoken. */
  readonly redirectTo?: number | undefined;
  /** The file that answers are logged to, '-' for standard output; undefined when they are not. */
  readonly log?: { readonly file: string; readonly format?: AccessFormat | undefined } | undefined;
  /** Whether /health and /ready are answered before all else. */
  readonly health: boolean;
  /** Whether /ready waits until it is told that what other machines have is here. */
  readonly warming: boolean;
  /** Whether somebody may ask for metrics: durations are counted then. */
  readonly observed: boolean;
  /** Milliseconds for answers under way to end in, after SIGTERM. */
  readonly drainTime: number;
  /** Bounds on what is asked of the applications, in their order. */
  readonly apps: readonly AppGatewayOptions[];
  /** Where the proxies of the origins listen, in their order. */
  readonly proxies: readonly ProxyAddresses[];
  /** Where the processes of each application listen that run by now. */
  readonly addresses: readonly (readonly string[])[];
}
