import { isIP } from 'node:net';
import type { ServerRequest } from '../message/exchange.ts';
import { tokensOf } from '../message/header-list.ts';
import { forwardedNodes } from './forwarded-fields.ts';
import type { TrustedProxies } from './trusted-proxies.ts';

/**
 * The address of the client that a request came from: that of the nearest one, going back from this side,
 * which is not believed to be a proxy. What is further away it may have made up.
 * @param nearest who has sent the request here
 */
export function clientAddress(
  request: Pick<ServerRequest, 'header'>,
  nearest: string | undefined,
  trusted: TrustedProxies,
): string | undefined {
  let client = nearest;
  const before = hopsOf(request);
  while (before.length > 0 && trusted.trusts(client)) {
    const address = addressOf(before.pop() as string);
    if (address === undefined) break;
    client = address;
  }
  return client;
}

/** Who a request came through, the client first, by whichever field says so. */
function hopsOf(request: Pick<ServerRequest, 'header'>): string[] {
  const listed = tokensOf(request.header('x-forwarded-for'));
  return listed.length > 0 ? listed : forwardedNodes(request.header('forwarded'));
}

/** An address as it is written, maybe with a port (RFC 7239, 6). */
function addressOf(node: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\](?::\w+)?|([\d.]+)(?::\w+)?)$/.exec(node) ?? [];
  const address = bracketed ?? plain ?? node;
  return isIP(address) === 0 ? undefined : address;
}
