import { randomBytes } from 'node:crypto';
import { ArgumentError, describe } from '../../base/error.ts';

/**
 * How the two sockets of a channel find each other at an endpoint that has one name. The connector binds both
 * of its ends to abstract names that say what they are and share a random token, which the kernel shows to
 * the endpoint as it accepts them:
 *
 *     @iolite/d/<token>   becomes the descriptor socket
 *     @iolite/m/<token>   becomes the message socket
 *
 * The first is connected before the second: so when the endpoint accepts the second it has everything, and
 * nothing waits. The kernel attests that both are of the same process. Both are the endpoint's own accepts:
 * of a socket that was passed to it the connector could change the options, and lock it in every call.
 */
export type SocketRole = 'd' | 'm';

const TOKEN_BYTES = 16;

export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('hex');
}

export function rendezvousName(role: SocketRole, token: string): string {
  return `@iolite/${role}/${token}`;
}

/** What a name says, or undefined when it is not one of these. */
export function readRendezvousName(
  name: string,
): { readonly role: SocketRole; readonly token: string } | undefined {
  const [, role, token] = /^@iolite\/([dm])\/([0-9a-f]{32})$/.exec(name) ?? [];
  return role === undefined || token === undefined ? undefined : { role: role as SocketRole, token };
}

/** Throws `ERR_IOLITE_ARGUMENT` unless `path` can name an endpoint. */
export function checkEndpointPath(path: unknown, attempted: string): asserts path is string {
  if (typeof path !== 'string' || path === '' || path === '@' || path.includes('\0')) {
    const shown = typeof path === 'string' ? JSON.stringify(path.slice(0, 40)) : describe(path);
    throw new ArgumentError(
      `${attempted}: a path, or '@' and an abstract name, without NUL is wanted, ${shown} was given`,
    );
  }
}
