import { abortable } from '../../../base/abortable.ts';
import type { Body } from '../../message/body.ts';
import type { Answer, ServerRequest } from '../../message/exchange.ts';
import { fieldOf } from '../../message/header-list.ts';
import { failureAnswer } from '../../message/status-of-error.ts';
import type { Resource } from '../resource.ts';
import { type Forwarding, forwardedRequest, forwardedResponse } from './forwarding.ts';
import type { Origin, OriginRequest } from './origin.ts';
import { OriginTunnel } from './origin-tunnel.ts';
import type { ReceivedBody } from './received-body.ts';

/** Statuses of responses that have no content (RFC 9110, 6.4.1). */
const WITHOUT_CONTENT = new Set([204, 304]);

/**
 * Sends a request to the origin as it is, its body as it comes, and answers with what comes back, as it
 * comes.
 * @throws the signal's reason
 */
export async function passOn(
  context: { readonly origin: Origin; readonly forwarding: Forwarding },
  resource: Resource,
  request: ServerRequest,
  signal: AbortSignal,
): Promise<Answer> {
  const { origin, forwarding } = context;
  const { method, body } = request;
  const headers = forwardedRequest(request, resource, forwarding, false);
  const { upgrade } = request;
  const interim = interimOf(request);
  const asked = { method, path: resource.path, headers, body, upgrade, interim };
  const exchange = origin.send(asked, (head, received) => ({
    status: head.status,
    headers: forwardedResponse(head, resource, forwarding),
    body: onlyReader(received, method, head.status),
    tunnel: head.socket && new OriginTunnel(head.socket, fieldOf(head.headers, 'upgrade') ?? ''),
  }));
  try {
    return await abortable(exchange.received, signal);
  } catch (error) {
    exchange.abort();
    // What was received at that very moment.
    void exchange.received.then(({ tunnel }) => tunnel?.abandon()).catch(() => {});
    signal.throwIfAborted();
    return failureAnswer(error, 'origin');
  }
}

/** Where interim responses to a request go. */
export function interimOf(request: ServerRequest): OriginRequest['interim'] {
  if (request.interim === undefined) return undefined;
  return (status, headers) => request.interim?.(status, headers);
}

/** What a client is sent of a body that nobody else gets. */
export function onlyReader(body: ReceivedBody, method: string, status: number): Body | undefined {
  const content = method === 'HEAD' || WITHOUT_CONTENT.has(status) ? undefined : body.content();
  body.close();
  return content;
}
