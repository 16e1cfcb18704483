import { type Channel, channel } from 'node:diagnostics_channel';

/** A request as events show it. */
export interface ObservedRequest {
  /** As it was sent, in upper case mostly: 'GET'. */
  readonly method: string;
  /** As it was sent. */
  readonly target: string;
  /** Whether it came through TLS. */
  readonly secure: boolean;
  /** Of the client. */
  readonly remoteAddress: string | undefined;
  /** The value of a field by its name in lower case. */
  header(name: string): string | undefined;
}

/** `iolite:answer:*`: one object for a request, from its start to its finish. */
export interface AnswerEvent {
  /** What is answered. Valid during the calls of subscribers. */
  readonly request: ObservedRequest;
  /** Who reads it and sends the answer: the fast lane, our own HTTP/2, or node:http. */
  readonly lane: 'lane' | 'http2' | 'node';
  /** At the finish: of the answer; undefined if the client had left before there was one. */
  readonly status: number | undefined;
  /** At the finish: of the body, that were sent. */
  readonly bytes: number;
  /** At the finish: milliseconds since the request was read. */
  readonly duration: number;
  /** Whether no handler was asked, so that there was no start. */
  readonly isRepeated: boolean;
  /** At the error: what the handler failed with. */
  readonly error: unknown;
  /**
   * At the start: has whoever answers see this field in place of what the client sent, and so all to whom the
   * request is passed on: the origin, applications.
   */
  setHeader(name: string, value: string): void;
  /**
   * At the start: runs what answers, with what is to be around it. Of several subscribers the last one's
   * counts; `channel.bindStore()` is for stores of AsyncLocalStorage.
   */
  around: ((answer: () => void) => void) | undefined;
}

/** `iolite:cache:*`: a content of a cache of files, or of responses. */
export interface CacheEvent {
  /** The path of the file; of a response its target. */
  readonly key: string;
  /** Of the content, with its forms; at a miss 0. */
  readonly bytes: number;
}

/** `iolite:proxy:fetch:*`: one object for a request to an origin. */
export interface ProxyFetchEvent {
  /** Scheme, host and port. */
  readonly origin: string;
  /** 'GET' for most of what is fetched to be kept. */
  readonly method: string;
  /** With the query, as the origin is asked for it. */
  readonly path: string;
  /** At the finish: of the response, whose head has come; undefined if none came. */
  readonly status: number | undefined;
  /** At the finish: milliseconds until then. */
  readonly duration: number;
  /** At the finish: why no response came. */
  readonly error: unknown;
  /** The value of a field that the origin gets, by its name in lower case. */
  header(name: string): string | undefined;
  /** At the start: has the origin get this field in place of what it would get. */
  setHeader(name: string, value: string): void;
}

/** `iolite:channel:*` */
export interface ChannelEvent {
  /** The process at the other end, as the kernel attests it. */
  readonly peer: { readonly pid: number; readonly uid: number; readonly gid: number };
  /** At the close: why, unless both sides closed gracefully. At a refusal: why. */
  readonly error: (Error & { readonly code?: string | undefined }) | undefined;
}

/** `iolite:application:restart` */
export interface RestartEvent {
  /** As metrics call it. */
  readonly application: string;
  /** How its process ended. */
  readonly reason: string;
  /** Milliseconds until another one starts. */
  readonly delay: number;
}

/** `iolite:governor:shrink`: a cache has to do with less, as memory is short. Bytes. */
export interface ShrinkEvent {
  /** What it might have had until now. */
  readonly before: number;
  /** What it may have from now on. */
  readonly allowance: number;
  /** Memory there is by the nearest bound: of the machine, or of a control group. */
  readonly limit: number;
  /** What is used of that. */
  readonly used: number;
}

/** `iolite:log:trouble`: the access log cannot be written, or can again. */
export interface LogEvent {
  /** Undefined: it is over. */
  readonly error: Error | undefined;
  /** Entries lost so far. */
  readonly dropped: number;
}

/** What is published on the channels of node:diagnostics_channel, by their names. */
export interface IoliteEvents {
  /** A handler is about to be asked. */
  'iolite:answer:start': AnswerEvent;
  /** The handler failed; the client gets 500. */
  'iolite:answer:error': AnswerEvent;
  /** The last byte is sent, or the client has left. */
  'iolite:answer:finish': AnswerEvent;
  /** What was asked for is not at hand. */
  'iolite:cache:miss': CacheEvent;
  /** A content has come into the cache. */
  'iolite:cache:fill': CacheEvent;
  /** A content has left to make room for others. */
  'iolite:cache:evict': CacheEvent;
  /** An origin is about to be asked. */
  'iolite:proxy:fetch:start': ProxyFetchEvent;
  /** The head of its response has come, or none will come. */
  'iolite:proxy:fetch:finish': ProxyFetchEvent;
  /** Both sides have greeted each other. */
  'iolite:channel:open': ChannelEvent;
  /** A channel is over, gracefully or not. */
  'iolite:channel:close': ChannelEvent;
  /** A connection was refused, or a peer cut off that broke the protocol or a quota. */
  'iolite:channel:refused': ChannelEvent;
  /** A process of an application has ended, and another one will start. */
  'iolite:application:restart': RestartEvent;
  /** A cache has to do with less. */
  'iolite:governor:shrink': ShrinkEvent;
  /** Lines of the access log get lost, or do no longer. */
  'iolite:log:trouble': LogEvent;
}

/**
 * The channel of an event. Publish where `hasSubscribers` says so: then it costs nothing that can be measured
 * where nobody has subscribed.
 */
export function eventChannel<N extends keyof IoliteEvents>(name: N): Channel<object, IoliteEvents[N]> {
  return channel(name) as Channel<object, IoliteEvents[N]>;
}
