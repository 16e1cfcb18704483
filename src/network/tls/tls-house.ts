import type { SocketMaker } from '../bare-link.ts';
import type { ByteLinkHost } from '../byte-link.ts';
import type { TlsRoom } from './cipher-ring.ts';
import type { SecureContext } from './secure-context.ts';

/** Who is told what a connection that has just come turns out to be. */
export interface TlsGreeter {
  /** The handshake is done. @returns who has the connection from now on */
  secured(): ByteLinkHost;
  /**
   * The first bytes are none of TLS, which is left out from now on. They are valid during the call only, and
   * come here as long as the connection does.
   * @returns whether to read on
   */
  unsecured(bytes: Buffer): boolean;
  /** It is gone before it was secured, or ends: to close it is the greeter's. */
  failed(): void;
}

/** What all connections of a server over TLS share. */
export interface TlsHouse extends SocketMaker {
  readonly room: TlsRoom;
  /** Of connections that come from now on. */
  readonly context: SecureContext;
}
