import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { closeOnExec } from '../../../os/descriptor.ts';
import { openListeners } from '../../../os/listen/listener.ts';
import { type SocketPlace, socketPlace } from '../../../os/listen/socket-place.ts';
import { UserError } from '../../user-error.ts';
import type { ServeConfig } from '../settings/settings-schema.ts';
import { type ListeningPlace, ListeningPlaces, type PlaceRole } from './listening-places.ts';
import type { PassedSocket } from './passed-sockets.ts';
import { openUnixPlace, type UnixSetting } from './unix-place.ts';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 8080;
/** The name of a passed socket that figures are shown at. */
export const METRICS_NAME = 'metrics';

/**
 * Opens where connections come in: at the sockets that were passed, at Unix sockets, and at host and port
 * where there are none of these, or a port is set and none was passed.
 * @param count how many workers there are
 * @throws UserError
 */
export async function openPlaces(
  config: ServeConfig,
  count: number,
  passed: readonly PassedSocket[] = [],
): Promise<ListeningPlaces> {
  const { listen = [], host = DEFAULT_HOST } = config;
  const sockets: readonly UnixSetting[] = Array.isArray(listen) ? listen : [listen];
  const places: ListeningPlace[] = [];
  try {
    for (const socket of passed) places.push(passedPlace(socket, config));
    for (const socket of sockets) places.push(await openUnixPlace(socket));
    if (passed.length === 0 && (sockets.length === 0 || config.port !== undefined)) {
      const address = await resolveHost(host);
      places.push(tcpPlace('site', address, config, count));
      const redirect = redirectPort(config);
      if (redirect !== undefined) places.push(tcpPlace('redirect', address, { host, port: redirect }, count));
    }
    return new ListeningPlaces(places);
  } catch (error) {
    new ListeningPlaces(places).close();
    throw error;
  }
}

/** The port where clients of plain HTTP are sent to HTTPS. */
export function redirectPort({ tls }: ServeConfig): number | undefined {
  const redirect = tls?.redirect;
  return typeof redirect === 'object' ? redirect.port : redirect;
}

/**
 * By its name plain HTTP (`http`), beside TLS for those who are sent there; or HTTPS (`https`); by any other
 * what the settings make of it.
 */
function passedPlace({ fd, name }: PassedSocket, { tls }: ServeConfig): ListeningPlace {
  const place = socketPlace(fd);
  if (place === undefined) {
    throw new UserError(`Cannot listen on descriptor ${fd} (${name}): it is no stream socket that listens`);
  }
  if (name === 'https' && tls === undefined) {
    throw new UserError(`Cannot listen on descriptor ${fd}: it is named https, and there is no certificate`);
  }
  closeOnExec(fd);
  const role = name === 'http' && tls !== undefined ? 'redirect' : 'site';
  return { role, fds: [fd], ...addressOf(place, schemeOf(role, tls)) };
}

function addressOf(place: SocketPlace, scheme: string): Pick<ListeningPlace, 'at' | 'port'> {
  if ('path' in place) return { at: `unix:${place.path}`, port: undefined };
  const { host, port } = place;
  return { at: urlOf(scheme, host, port), port };
}

function urlOf(scheme: string, host: string, port: number): string {
  return `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

function schemeOf(role: PlaceRole, tls: ServeConfig['tls']): string {
  return role === 'site' && tls !== undefined ? 'https' : 'http';
}

/** @throws UserError */
async function resolveHost(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`Cannot listen on ${host}: the name does not resolve (${code})`);
  }
}

/** A socket for each worker. @throws UserError */
function tcpPlace(role: PlaceRole, address: string, config: ServeConfig, count: number): ListeningPlace {
  const { host = DEFAULT_HOST, port, tls } = config;
  const reasons: Record<string, string> = {
    EADDRINUSE: 'the port is in use',
    EACCES: 'there is no permission to use the port',
    EADDRNOTAVAIL: 'it is no address of this machine',
  };
  try {
    const { fds, port: actual } = openListeners(address, port ?? DEFAULT_PORT, count);
    return { role, fds, at: urlOf(schemeOf(role, tls), host, actual), port: actual };
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (port === undefined && code === 'EADDRINUSE')
      return tcpPlace(role, address, { ...config, port: 0 }, count);
    const reason = reasons[code];
    throw new UserError(
      reason === undefined ? message : `Cannot listen on ${host} port ${port ?? DEFAULT_PORT}: ${reason}`,
    );
  }
}
