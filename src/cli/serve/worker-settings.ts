import type { AppGatewayOptions } from '../../http/app/server-side/app-gateway.ts';
import type { ProxyAddresses } from '../../http/proxy/proxy-host.ts';
import type { AccessFormat } from '../../http/server/access-format.ts';
import type { ServerLimits } from '../../http/server/http-server.ts';
import type { SiteConfig } from './serve-config.ts';

/** What a worker of `iolite serve` is told when it starts; JSON. */
export interface WorkerSettings {
  /** The directory it serves. */
  readonly root?: string | undefined;
  readonly site: SiteConfig;
  readonly limits: ServerLimits;
  /** PEM. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** The file that answers are logged to, '-' for standard output; undefined when they are not. */
  readonly log?: { readonly file: string; readonly format?: AccessFormat | undefined } | undefined;
  /** Bounds on what is asked of the application; undefined when there is none. */
  readonly app?: AppGatewayOptions | undefined;
  /** Where the proxy listens; undefined when there is no origin. */
  readonly proxy?: ProxyAddresses | undefined;
  /** Where the application's processes listen that run by now. */
  readonly addresses: readonly string[];
}
