import { readFileSync } from 'node:fs';

const PAGE_BYTES = 4096;

/** Bytes that the kernel accounts to the TCP connections of this machine, whether copied or referred to. */
export function tcpMemory(): number {
  const pages = /^TCP: .* mem ([0-9]+)/m.exec(readFileSync('/proc/net/sockstat', 'latin1'))?.[1];
  return PAGE_BYTES * Number(pages);
}
