const LOCAL = '127.0.0.1';
const MAX_PORT = 0xffff;

/** Where figures are shown: by default to this machine alone. */
export interface ObservationAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * The address in a text: `port`, `:port`, `host:port` or `[v6]:port`.
 * @returns undefined when it is none
 */
export function observationAddress(text: string): ObservationAddress | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([\da-fA-F:.]+)\]:|([^:[\]]*):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > MAX_PORT) return undefined;
  return { host: bracketed ?? (plain === undefined || plain === '' ? LOCAL : plain), port };
}
