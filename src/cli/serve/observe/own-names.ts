import { isIP } from 'node:net';

/** Whether an address is this machine's own, which no other can reach. */
export function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, '');
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

/**
 * The names that a server for this machine alone goes by. A page of another site in a local browser reads
 * what is here if that site's name leads here (DNS rebinding): its Host field has that name, and no address.
 */
export class OwnNames {
  readonly #names: ReadonlySet<string> | undefined;

  /**
   * @param address that the server listens on: where others reach it, too, it may go by any name
   * @param names besides `localhost` and addresses
   */
  constructor(address: string, names: readonly string[]) {
    this.#names = isLoopback(address) ? new Set(names.map(name => name.toLowerCase())) : undefined;
  }

  /** Whether a Host field has one of them. */
  admits(host: string | undefined): boolean {
    if (this.#names === undefined) return true;
    const [, bracketed, plain = ''] = /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::\d+)?$/i.exec(host ?? '') ?? [];
    if (bracketed !== undefined) return isIP(bracketed) === 6;
    const name = plain.toLowerCase().replace(/\.$/, '');
    return name === 'localhost' || name.endsWith('.localhost') || isIP(name) === 4 || this.#names.has(name);
  }
}
