import { unixPathOf } from '../../../os/unix-address.ts';

const LOCAL = '127.0.0.1';
const MAX_PORT = 0xffff;

/** An address in the network: by default of this machine alone. */
export interface NetworkAddress {
  readonly host: string;
  readonly port: number;
}

/** Where figures are shown. */
export type ObservationAddress =
  | NetworkAddress
  /** Of a Unix socket. */
  | { readonly path: string };

/**
 * The address in a text: as {@link networkAddress} has it, or `unix:path`.
 * @returns undefined when it is none
 */
export function observationAddress(text: string): ObservationAddress | undefined {
  const path = unixPathOf(text);
  return path === undefined ? networkAddress(text) : { path };
}

/**
 * The address in a text: `port`, `:port`, `host:port` or `[v6]:port`.
 * @returns undefined when it is none
 */
export function networkAddress(text: string): NetworkAddress | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([\da-fA-F:.]+)\]:|([^:[\]]*):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > MAX_PORT) return undefined;
  return { host: bracketed ?? (plain === undefined || plain === '' ? LOCAL : plain), port };
}
