import { IoliteError } from '../base/error.ts';

/** The packages that speak to NATS, as they were found. */
export interface Nats {
  readonly transport: typeof import('@nats-io/transport-node');
  readonly jetstream: typeof import('@nats-io/jetstream');
  readonly kv: typeof import('@nats-io/kv');
}

const INSTALL_LINE = 'npm install @nats-io/transport-node @nats-io/jetstream @nats-io/kv';

/**
 * Loads the client of NATS, which only clusters need: some 40 ms, once.
 * @throws ERR_IOLITE_CLUSTER when it is not installed
 */
export async function loadNats(): Promise<Nats> {
  try {
    const [transport, jetstream, kv] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/jetstream'),
      import('@nats-io/kv'),
    ]);
    return { transport, jetstream, kv };
  } catch (cause) {
    throw new IoliteError(
      'ERR_IOLITE_CLUSTER',
      `Cannot join cluster: the client of NATS is not installed; ${INSTALL_LINE}`,
      { cause },
    );
  }
}
