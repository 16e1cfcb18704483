/**
 * HTTP from the file cache.
 * @packageDocumentation
 */

export type { ComplaintFormat } from '../base/complaint.ts';
export type { Repeatable } from '../base/repeatable.ts';
export type { CertificateOptions } from '../network/tls/certificates.ts';
export type { TlsVersion } from '../network/tls/secure-settings.ts';
export type {
  InvalidationLog,
  LogFollower,
  LogPosition,
  LogSelector,
} from '../store/log/invalidation-log.ts';
export { AppRequest } from './app/app-side/app-request.ts';
export type { AppHandler, AppHeaders, AppResponse, FetchApp } from './app/app-side/application.ts';
export type { SiteCache } from './app/app-side/site-cache.ts';
export { AppGateway, type AppGatewayOptions } from './app/server-side/app-gateway.ts';
export { AppProcesses, type AppProcessesOptions } from './app/server-side/app-processes.ts';
export { attachFastLane, type FastLane, type FastLaneOptions } from './fast-lane/fast-lane.ts';
export type { FastCgiOptions } from './fastcgi/fastcgi-options.ts';
export type { AnswerListener, AnswerReport } from './message/answer-report.ts';
export type { Body, BodyStream, RequestBody } from './message/body.ts';
export type {
  Answer,
  Fidelity,
  Handler,
  PendingAnswer,
  Recipient,
  RequestNotes,
  ServedFile,
  ServerRequest,
  Stated,
  Tunnel,
} from './message/exchange.ts';
export type { HeaderList } from './message/header-list.ts';
export { type AnswerFunction, answerOf, handlerOf } from './message/promised-answer.ts';
export { StatusError } from './message/status-error.ts';
export { handleUpgrade } from './node/handle-upgrade.ts';
export {
  type AdapterOptions,
  handle,
  type NodeRequest,
  serverRequest,
  writeAnswer,
} from './node/node-adapter.ts';
export type { NodeResponse } from './node/response-way.ts';
export { type SendEvents, type SendFileOptions, SendStream, send } from './node/send.ts';
export { type ServeStaticOptions, type StaticMiddleware, serveStatic } from './node/serve-static.ts';
export type { SentFile } from './node/set-headers.ts';
export { type AttachedProxy, attachProxy } from './proxy/attached-proxy.ts';
export type { GroupField } from './proxy/cache/groups.ts';
export type { HotResponse } from './proxy/cache/hot-response.ts';
export type {
  Collapse,
  OnPartition,
  ProxyCluster,
  ProxyClusterOptions,
} from './proxy/cluster/proxy-cluster.ts';
export type {
  HotList,
  Peer,
  ProxyPeers,
  Pull,
  PullAnswerer,
  SiteService,
} from './proxy/cluster/proxy-peers.ts';
export type { Invalidated, InvalidateOptions } from './proxy/invalidation.ts';
export type { ProxyOriginOptions } from './proxy/origin/create-origin.ts';
export type { ForwardingOptions } from './proxy/origin/forwarding-options.ts';
export type { OriginLimits } from './proxy/origin/http-origin.ts';
export type { S3Credentials, S3Options } from './proxy/origin/s3/s3-options.ts';
export { createProxy, type ReverseProxy } from './proxy/proxy.ts';
export type { ProxyOptions } from './proxy/proxy-options.ts';
export type { PurgeOptions } from './proxy/purge.ts';
export type { TrustForwarded } from './proxy/trusted-proxies.ts';
export { createUpgradeProxy, type UpgradeProxy, type UpgradeProxyOptions } from './proxy/upgrade-proxy.ts';
export type { CorsOptions } from './rules/cors.ts';
export type { Redirect, Rule } from './rules/rule.ts';
export type { AccessFormat, AccessRecord } from './server/access-format.ts';
export { type AccessLog, type AccessLogOptions, createAccessLog } from './server/access-log.ts';
export { Chain } from './server/chain.ts';
export type { HstsOptions } from './server/hsts.ts';
export type { ServerLimits } from './server/http-server.ts';
export type { ListenAddress, UnixAddress } from './server/listener.ts';
export {
  type AppOptions,
  type CreateServerOptions,
  createServer,
  type HostOptions,
  type NamedHostOptions,
  type Server,
  type ServerRule,
} from './server/server.ts';
export type { HostTlsOptions, TlsOptions } from './server/tls-options.ts';
export type { ChosenFileOptions } from './site/chosen-files.ts';
export { type FetchHandlerOptions, fetchHandler } from './site/fetch-handler.ts';
export { createSite, type StaticSite } from './site/site.ts';
export type { CreateSiteOptions, SiteOptions } from './site/site-options.ts';
