import { access, constants, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { AppGatewayOptions } from '../../http/app/server-side/app-gateway.ts';
import type { AppProcessesOptions } from '../../http/app/server-side/app-processes.ts';
import type { ScriptPattern } from '../../http/fastcgi/script-names.ts';
import type { ProxyClusterOptions } from '../../http/proxy/cluster/proxy-cluster.ts';
import { createOrigin } from '../../http/proxy/origin/create-origin.ts';
import type { S3Options } from '../../http/proxy/origin/s3/s3-options.ts';
import type { ProxyOptions } from '../../http/proxy/proxy-options.ts';
import { type AppView, appViewOptions } from '../../http/server/app-view.ts';
import type { HostParts } from '../../http/server/compose.ts';
import type { ContentConfig, RuleConfig, SiteConfig } from './settings/content-schema.ts';
import type { ServeConfig } from './settings/settings-schema.ts';
import { appViewFor } from './view-plan.ts';
import type { WorkerContent, WorkerRule } from './worker-settings.ts';

/** How an origin is asked, but for what all have in common. */
export type OriginOptions = Omit<ProxyOptions, 'budget' | 'policy' | keyof ProxyClusterOptions>;

/** An application, and the bounds on what is asked of it. */
export type AppConfig = AppProcessesOptions & AppGatewayOptions;

/** An application, and what it may read of the cache; undefined where there are no files. */
export interface PlannedApp {
  readonly options: AppConfig;
  readonly view: AppView | undefined;
}

/** Who answers besides files: each once, however many places name it. Workers know them by their numbers. */
class Backends {
  readonly apps: PlannedApp[] = [];
  readonly origins: OriginOptions[] = [];

  /** Where it is to see other files it runs in processes of its own. */
  app(options: AppConfig, view: AppView | undefined): number {
    return placeIn(this.apps, { options, view });
  }

  origin(options: OriginOptions): number {
    return placeIn(this.origins, options);
  }
}

/** What all hosts are served, with what that needs; and all that is wrong with it. */
export class ContentPlan {
  readonly backends = new Backends();
  readonly roots = new Set<string>();
  /** Whether links are followed wherever they lead. */
  followsLinks = false;
  readonly faults: string[] = [];
  /** Where FastCGI responders listen. */
  readonly responders = new Set<string>();
  /** The scripts that they run. */
  readonly scripts: ScriptPattern[] = [];

  /** @param name of the host, if it is for one */
  async contentOf(config: ContentConfig, name?: string): Promise<WorkerContent> {
    const at = name === undefined ? '' : `hosts.${name}.`;
    const { headers, cors, rules = [] } = config;
    const own = await this.#answerers(config, at, app => appViewFor(config, app));
    const made: WorkerRule[] = [];
    for (const [index, rule] of rules.entries()) {
      made.push(await this.#rule(rule, config, `${at}rules[${index}].`));
    }
    return { ...own, headers, cors: cors as HostParts['cors'], rules: made };
  }

  async #rule(rule: RuleConfig, content: ContentConfig, at: string): Promise<WorkerRule> {
    const { root, site, app, origin, proxy, fallback, ...said } = rule;
    const isSite = site !== undefined || fallback !== undefined;
    const own = root ?? (isSite ? content.root : undefined);
    if (isSite && own === undefined) this.faults.push(`${at}site: there is no root that it is about`);
    const all = { ...content.site, ...site, ...(fallback === undefined ? {} : { fallback }) };
    const answerers = await this.#answerers({ root: own, site: all, app, origin, proxy }, at, asked =>
      appViewFor(content, asked, rule),
    );
    return { ...(said as WorkerRule), ...answerers };
  }

  async #answerers(
    { root, site = {}, app, origin, proxy }: ContentConfig | RuleConfig,
    at: string,
    viewFor: (app: object) => AppView | undefined,
  ): Promise<WorkerContent> {
    if (app !== undefined && origin !== undefined) {
      this.#fault(at, 'Cannot serve an application and an origin: one of them answers what no file does');
    }
    if (proxy !== undefined && origin === undefined) {
      this.faults.push(`${at}proxy: there is no origin that it is about`);
    }
    const view = app && viewFor(app);
    const { module } = app ?? {};
    if (module !== undefined) await this.#try(at, () => checkModule(module));
    if (view !== undefined) await this.#try(at, async () => void appViewOptions(view));
    if (origin !== undefined) await this.#try(at, () => checkOrigin(origin, proxy?.s3));
    // An empty name is no name of the current directory: a script had nothing to say.
    const directory = root === undefined || root === '' ? root : resolve(root);
    if (directory !== undefined) {
      this.roots.add(directory);
      this.followsLinks ||= site.symlinks === 'follow';
      if (await this.#try(at, () => checkDirectory(directory))) await this.#checkPages(directory, site, at);
    }
    return {
      root: directory,
      site,
      app: module === undefined ? undefined : this.backends.app({ ...app, module }, view),
      fastcgi: await this.#fastcgi(app, directory, view, at),
      origin:
        origin === undefined ? undefined : this.backends.origin({ origin, ...withoutUndefined(proxy ?? {}) }),
    };
  }

  async #fastcgi(
    app: ContentConfig['app'],
    directory: string | undefined,
    view: AppView | undefined,
    at: string,
  ): Promise<WorkerContent['fastcgi']> {
    if (app?.fastcgi === undefined) return undefined;
    const root = app.root ?? directory ?? view?.root;
    if (root === undefined || root === '') {
      this.faults.push(`${at}app.root: there is no root that the scripts lie in`);
      return undefined;
    }
    const options = { ...withoutUndefined(app), root: resolve(root), fastcgi: app.fastcgi };
    this.responders.add(app.fastcgi);
    this.scripts.push({ split: app.split, script: app.script });
    await this.#try(at, async () => {
      if (!(await stat(options.root)).isDirectory()) throw new Error('it is no directory');
    });
    return { options, view };
  }

  async #checkPages(root: string, { errorPages = {}, fallback }: SiteConfig, at: string): Promise<void> {
    const pages: [place: string, page: string][] = Object.entries(errorPages).map(([status, page]) => [
      `errorPages.${status}`,
      page,
    ]);
    if (fallback !== undefined) pages.push(['fallback', fallback]);
    for (const [place, page] of pages) {
      const isFile = await stat(join(root, page)).then(
        found => found.isFile(),
        () => false,
      );
      if (!isFile) this.faults.push(`${at}site.${place}: there is no file ${page} in ${root}`);
    }
  }

  #fault(at: string, what: string): void {
    this.faults.push(at === '' ? what : `${at.slice(0, -1)}: ${what}`);
  }

  /** @returns whether all was right */
  async #try(at: string, check: () => Promise<void>): Promise<boolean> {
    try {
      await check();
      return true;
    } catch (error) {
      this.#fault(at, (error as Error).message);
      return false;
    }
  }
}

/** Plans what all hosts are served. */
export async function planContent(config: ServeConfig): Promise<{
  readonly plan: ContentPlan;
  readonly content: WorkerContent;
  readonly hosts: Readonly<Record<string, WorkerContent>>;
}> {
  const plan = new ContentPlan();
  const content = await plan.contentOf(config);
  const hosts: Record<string, WorkerContent> = {};
  for (const [name, each] of Object.entries(config.hosts ?? {}))
    hosts[name] = await plan.contentOf(each, name);
  return { plan, content, hosts };
}

/** That a directory can be read. */
async function checkDirectory(directory: string): Promise<void> {
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such directory',
    ENOTDIR: 'it is not a directory',
    EACCES: 'there is no permission to read it',
  };
  try {
    if (!(await stat(directory)).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    await access(directory, constants.R_OK | constants.X_OK);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new Error(`Cannot serve ${directory}: ${reasons[code] ?? message}`);
  }
}

async function checkModule(module: string): Promise<void> {
  try {
    await access(module, constants.R_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(
      `Cannot run application ${module}: ` +
        `${code === 'EACCES' ? 'there is no permission to read it' : 'there is no such file'}`,
    );
  }
}

async function checkOrigin(origin: string, s3: S3Options | undefined): Promise<void> {
  try {
    await createOrigin(origin, { s3 }).close();
  } catch (error) {
    throw new Error(`Cannot serve ${origin}: ${(error as Error).message}`);
  }
}

function placeIn<T>(list: T[], wanted: T): number {
  const key = JSON.stringify(wanted);
  const at = list.findIndex(each => JSON.stringify(each) === key);
  return at === -1 ? list.push(wanted) - 1 : at;
}

function withoutUndefined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never;
}
