/** HTTP from the file cache. */
export { AppGateway, type AppGatewayOptions } from './app/app-gateway.ts';
export { AppProcesses, type AppProcessesOptions } from './app/app-processes.ts';
export { AppRequest } from './app/app-request.ts';
export type { AppHandler, AppHeaders, AppResponse, FetchApp } from './app/application.ts';
export { Chain } from './chain.ts';
export type { Answer, Handler, HeaderList, ServerRequest } from './exchange.ts';
export { attachFastLane, type FastLane, type FastLaneOptions } from './fast-lane/fast-lane.ts';
export type { ListenAddress, ServerLimits, TlsOptions } from './http-server.ts';
export { type AdapterOptions, handle, serverRequest, writeAnswer } from './node-adapter.ts';
export type { OriginLimits } from './proxy/origin.ts';
export { createProxy, type ProxyOptions, type ReverseProxy } from './proxy/proxy.ts';
export { type ServeStaticOptions, type StaticMiddleware, serveStatic } from './serve-static.ts';
export { type AppOptions, type CreateServerOptions, createServer, type Server } from './server.ts';
export { createSite, type SiteAnswer, type StaticSite } from './site.ts';
export type { CreateSiteOptions, ServedFile, SiteOptions } from './site-options.ts';
export { StatusError } from './status-error.ts';
