/** How something may fail while processes around it are killed and stopped, and pools full. */
const EXPECTED: readonly unknown[] = [
  'ERR_IOLITE_PEER',
  'ERR_IOLITE_CLOSED',
  'ERR_IOLITE_LIMIT',
  // A forwarder died with what it had sent, and its owner went on.
  'ERR_IOLITE_STALE',
  'ERR_IOLITE_TIMEOUT',
  // Its descriptors are exhausted, or the disk is full.
  'EMFILE',
  'ENOSPC',
  // NATS is gone just now.
  'ERR_IOLITE_CLUSTER',
  // Nobody listens just now.
  'ENOENT',
  'ECONNREFUSED',
];

/** Whether a failure is one that the deaths of others explain. */
export function isExpected(error: unknown): boolean {
  return EXPECTED.includes((error as { code?: unknown } | undefined)?.code);
}
