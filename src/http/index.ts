/** HTTP from the file cache. */
export type { Answer, Handler, HeaderList, ServerRequest } from './exchange.ts';
export { type AdapterOptions, handle, serverRequest, writeAnswer } from './node-adapter.ts';
export { type AttachedProxy, attachProxy } from './proxy/attached-proxy.ts';
export type { OriginLimits } from './proxy/origin.ts';
export { createProxy, type ProxyOptions, type ReverseProxy } from './proxy/proxy.ts';
export { type ServeStaticOptions, type StaticMiddleware, serveStatic } from './serve-static.ts';
export { createSite, type SiteAnswer, type StaticSite } from './site.ts';
export type { CreateSiteOptions, ServedFile, SiteOptions } from './site-options.ts';
export { StatusError } from './status-error.ts';
