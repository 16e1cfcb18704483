import { channel } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import type { Context, Span, TextMapGetter, TextMapSetter } from '@opentelemetry/api';
import type { AnswerEvent, ProxyFetchEvent } from './events.ts';

type Api = typeof import('@opentelemetry/api');

/** What spans are made by. */
const NAME = 'iolite';
/** Where the API has what is registered: version 1, as its package has it. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');
/** Methods that spans are called after: all others are one (semantic conventions of HTTP). */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT', 'TRACE']);

let stop: (() => void) | undefined;

/**
 * Has spans of OpenTelemetry made from here on, if a provider of tracers is registered and the package
 * `@opentelemetry/api` is there: of requests, as children of what their `traceparent` names, and of what a
 * proxy asks its origin; both say who they are to whom they pass the request on. Without a provider nothing
 * is done, nothing is loaded, and requests cost nothing more.
 * @returns whether spans are made
 */
export function startSpans(): boolean {
  if (stop !== undefined) return true;
  const registered = (globalThis as { [REGISTERED]?: { trace?: unknown } })[REGISTERED];
  if (registered?.trace === undefined) return false;
  const api = loadApi();
  if (api === undefined) return false;
  stop = subscribe(new Spans(api));
  return true;
}

/** Makes no more spans. */
export function stopSpans(): void {
  stop?.();
  stop = undefined;
}

function loadApi(): Api | undefined {
  try {
    return createRequire(import.meta.url)('@opentelemetry/api') as Api;
  } catch {
    return undefined;
  }
}

function subscribe(spans: Spans): () => void {
  const listeners = [
    ['iolite:answer:start', event => spans.answerStarts(event as AnswerEvent)],
    ['iolite:answer:finish', event => spans.answerFinishes(event as AnswerEvent)],
    ['iolite:proxy:fetch:start', event => spans.fetchStarts(event as ProxyFetchEvent)],
    ['iolite:proxy:fetch:finish', event => spans.fetchFinishes(event as ProxyFetchEvent)],
  ] as const satisfies readonly (readonly [string, (event: unknown) => void])[];
  for (const [name, listener] of listeners) channel(name).subscribe(listener);
  return () => {
    for (const [name, listener] of listeners) channel(name).unsubscribe(listener);
  };
}

/** What fields are read from and put into. */
interface Carrier {
  header(name: string): string | undefined;
}
interface Receiver {
  setHeader(name: string, value: string): void;
}

const getter: TextMapGetter<Carrier> = {
  get: (carrier, name) => carrier.header(name.toLowerCase()),
  keys: () => [],
};
const setter: TextMapSetter<Receiver> = { set: (receiver, name, value) => receiver.setHeader(name, value) };

class Spans {
  readonly #api: Api;
  readonly #open = new WeakMap<object, Span>();

  constructor(api: Api) {
    this.#api = api;
  }

  answerStarts(event: AnswerEvent): void {
    const { SpanKind, context } = this.#api;
    const { method, target, secure, remoteAddress } = event.request;
    const [path = '', query] = target.split('?', 2);
    const parent = this.#parent(event.request);
    const span = this.#start(event, method, SpanKind.SERVER, parent, {
      'url.scheme': secure ? 'https' : 'http',
      'url.path': path,
      'url.query': query,
      'server.address': event.request.header('host') ?? event.request.header(':authority'),
      'client.address': remoteAddress,
      'user_agent.original': event.request.header('user-agent'),
    });
    const own = this.#pass(event, span, parent);
    event.around = answer => context.with(own, answer);
  }

  answerFinishes(event: AnswerEvent): void {
    const { status } = event;
    this.#end(event, status, status === undefined || status >= 500, event.error);
  }

  fetchStarts(event: ProxyFetchEvent): void {
    const { SpanKind } = this.#api;
    const { origin, path, method } = event;
    const { hostname, port, protocol } = new URL(origin);
    const parent = this.#parent(event);
    const span = this.#start(event, method, SpanKind.CLIENT, parent, {
      'url.full': origin + path,
      'server.address': hostname,
      'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
    });
    this.#pass(event, span, parent);
  }

  fetchFinishes(event: ProxyFetchEvent): void {
    const { status } = event;
    this.#end(event, status, status === undefined || status >= 400, event.error);
  }

  #parent(carrier: Carrier): Context {
    const { propagation, ROOT_CONTEXT } = this.#api;
    return propagation.extract(ROOT_CONTEXT, carrier, getter);
  }

  /** Says who the span is to whom the request is passed on. */
  #pass(receiver: Receiver, span: Span, parent: Context): Context {
    const { propagation, trace } = this.#api;
    const own = trace.setSpan(parent, span);
    propagation.inject(own, receiver, setter);
    return own;
  }

  #start(
    event: object,
    method: string,
    kind: number,
    parent: Context,
    attributes: Record<string, string | number | undefined>,
  ): Span {
    const isKnown = METHODS.has(method);
    const named = isKnown
      ? { 'http.request.method': method }
      : { 'http.request.method': '_OTHER', 'http.request.method_original': method };
    const said = Object.entries(attributes).filter(([, value]) => value !== undefined);
    const span = this.#api.trace
      .getTracer(NAME)
      .startSpan(
        isKnown ? method : 'HTTP',
        { kind, attributes: { ...named, ...(Object.fromEntries(said) as Record<string, string>) } },
        parent,
      );
    this.#open.set(event, span);
    return span;
  }

  #end(event: object, status: number | undefined, isError: boolean, error: unknown): void {
    const span = this.#open.get(event);
    if (span === undefined) return;
    this.#open.delete(event);
    if (status !== undefined) span.setAttribute('http.response.status_code', status);
    if (isError) {
      const type = error instanceof Error ? error.name : String(status ?? 'aborted');
      span.setAttribute('error.type', type);
      span.setStatus({ code: this.#api.SpanStatusCode.ERROR });
    }
    if (error instanceof Error) span.recordException(error);
    span.end();
  }
}
