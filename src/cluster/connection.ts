import type { ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import { ClusterError } from './cluster-error.ts';
import type { CheckedOptions } from './cluster-options.ts';
import type { Nats } from './nats.ts';

/** A connection that hears nothing for twice this is given up, and another one is made. */
const PING_MS = 2000;
const RECONNECT_MS = 250;
const CONNECT_MS = 5000;

/** A connection to NATS, and whether it is the cluster's own. */
export interface ClusterConnection {
  readonly nats: NatsConnection;
  /** Ends it if it is the cluster's own. */
  close(): Promise<void>;
}

/**
 * Connects to NATS, or takes the connection that was given. Once it is made it is made again for as long as
 * it takes, whatever becomes of the servers.
 * @throws ERR_IOLITE_CLUSTER when no server answers
 */
export async function openConnection(
  { transport }: Nats,
  { name, servers, connection, timeout }: CheckedOptions,
): Promise<ClusterConnection> {
  if (connection !== undefined) return { nats: connection, close: async () => {} };
  try {
    const nats = await transport.connect({
      ...credentialsOf(servers),
      servers: servers.map(addressOf),
      name: `iolite ${name}`,
      timeout: Math.min(timeout, CONNECT_MS),
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      pingInterval: PING_MS,
      maxPingOut: 2,
    });
    return { nats, close: () => nats.close() };
  } catch (cause) {
    const { message } = cause as Error;
    throw new ClusterError(
      `Cannot join cluster: no server of NATS answers at ${servers.map(addressOf).join(', ')}: ${message}`,
      { cause, mayRetry: true },
    );
  }
}

/** Without who asks, which is nobody else's business. */
function addressOf(server: string): string {
  const { host } = new URL(server);
  return host;
}

/** Those of the first address that has any: they are for all servers. */
function credentialsOf(servers: readonly string[]): ConnectionOptions {
  const secure = servers.some(server => server.startsWith('tls:')) ? { tls: {} } : {};
  const url = servers.map(server => new URL(server)).find(({ username }) => username !== '');
  if (url === undefined) return secure;
  const user = decodeURIComponent(url.username);
  const pass = decodeURIComponent(url.password);
  return pass === '' ? { ...secure, token: user } : { ...secure, user, pass };
}
