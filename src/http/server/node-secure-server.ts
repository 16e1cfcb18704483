import { X509Certificate } from 'node:crypto';
import type { Http2SecureServer, SecureServerOptions } from 'node:http2';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Identity, SecureSettings } from '../../network/tls/secure-settings.ts';
import { ServerNames } from '../../network/tls/server-names.ts';
import { http2Module } from '../node/http2-module.ts';

/** Name, key of the HMAC, key of the cipher (AES-128), as Node has them: the beginnings of ours. */
const NODE_TICKET_KEY_PARTS = [
  [0, 16],
  [16, 32],
  [48, 64],
] as const;

/**
 * Node's own server of HTTP/2 and HTTP/1.1 over TLS, by settings. It knows one ticket key at a time: with
 * tickets of the one before, clients shake hands in full. Nor does it say which of several certificates a
 * client takes: nothing is stapled to those that have one of another kind beside them.
 */
export class NodeSecureServer {
  readonly server: Http2SecureServer;
  readonly #ocsp = new Map<string, Buffer>();

  /** @throws what TLS says of a certificate or key */
  constructor({ identities, minVersion, ticketKeys }: SecureSettings, options: SecureServerOptions) {
    const [first] = identities;
    const contexts = identities.map(identity => contextOf(identity, minVersion));
    const names = new ServerNames(
      identities.map((identity, index) => [identity.names, contexts[index]] as const),
    );
    this.server = http2Module().createSecureServer({
      ...options,
      ...contextOptions(first, minVersion),
      allowHTTP1: true,
      SNICallback: (name, done) => done(null, names.find(name) ?? (contexts[0] as SecureContext)),
    });
    this.#staple(identities);
    if (ticketKeys.length > 0) this.setTicketKeys(ticketKeys);
  }

  /** @param keys see SecureSettings.ticketKeys */
  setTicketKeys([current]: readonly string[]): void {
    if (current === undefined) return;
    const key = Buffer.from(current, 'base64');
    const parts = NODE_TICKET_KEY_PARTS.map(([start, end]) => key.subarray(start, end));
    this.server.setTicketKeys(Buffer.concat(parts));
  }

  #staple(identities: readonly Identity[]): void {
    for (const { certificates } of identities) {
      const [{ cert, ocsp }] = certificates;
      if (certificates.length > 1 || ocsp === undefined) continue;
      this.#ocsp.set(new X509Certificate(cert).raw.toString('latin1'), Buffer.from(ocsp, 'base64'));
    }
    if (this.#ocsp.size === 0) return;
    this.server.on(
      'OCSPRequest',
      (own: Buffer, _issuer: Buffer, done: (error: null, response?: Buffer) => void) =>
        done(null, this.#ocsp.get(own.toString('latin1'))),
    );
  }
}

function contextOf(identity: Identity, minVersion: SecureSettings['minVersion']): SecureContext {
  return createSecureContext(contextOptions(identity, minVersion));
}

function contextOptions({ certificates }: Identity, minVersion: SecureSettings['minVersion']) {
  const cert = certificates.map(each => each.cert);
  return { cert, key: certificates.map(({ key }) => key), minVersion };
}
