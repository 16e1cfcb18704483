import { unixPathOf } from '../../../os/unix-address.ts';

const LOCAL = '127.0.0.1';
const MAX_PORT = 0xffff;

/** Where figures are shown: by default to this machine alone. */
export type ObservationAddress =
  | { readonly host: string; readonly port: number }
  /** Of a Unix socket. */
  | { readonly path: string };

/**
 * The address in a text: `port`, `:port`, `host:port`, `[v6]:port` or `unix:path`.
 * @returns undefined when it is none
 */
export function observationAddress(text: string): ObservationAddress | undefined {
  const path = unixPathOf(text);
  if (path !== undefined) return { path };
  const [, bracketed, plain, digits] = /^(?:\[([\da-fA-F:.]+)\]:|([^:[\]]*):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > MAX_PORT) return undefined;
  return { host: bracketed ?? (plain === undefined || plain === '' ? LOCAL : plain), port };
}
