/**
 * A line that takes its time: `delay-line-child.js <name> <name>` makes two network interfaces (TUN), and
 * hands each packet that goes into the one out of the other, so many milliseconds later. Its parent sends it
 * these milliseconds, and hears when the interfaces are there.
 */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { POLLIN } from '../../src/os/constants.ts';
import { libc } from '../../src/os/libc.ts';

/** linux/if_tun.h */
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const NAME_BYTES = 16;
const REQUEST_BYTES = 40;
const PACKET_BYTES = 65_536;
const RING_BYTES = 96 * 2 ** 20;
/** Packets that are read before anything else is looked at. */
const BURST_PACKETS = 32;

/** Packets on their way in one direction, in the order in which they came. */
class Direction {
  readonly #from: number;
  readonly #to: number;
  readonly #ring = Buffer.alloc(RING_BYTES);
  readonly #spare = Buffer.alloc(PACKET_BYTES);
  #packets: { readonly due: number; readonly at: number; readonly length: number }[] = [];
  /** How many of them have left. */
  #gone = 0;
  #end = 0;

  constructor(from: number, to: number) {
    this.#from = from;
    this.#to = to;
  }

  /** Takes in a packet that is there. What there is no room for is lost, as in any network. */
  take(delayMs: number): void {
    if (this.#end + PACKET_BYTES > RING_BYTES) this.#end = 0;
    const first = this.#packets[this.#gone];
    if (first !== undefined && first.at >= this.#end && first.at < this.#end + PACKET_BYTES) {
      readSync(this.#from, this.#spare, 0, PACKET_BYTES, null);
      return;
    }
    const length = readSync(this.#from, this.#ring, this.#end, PACKET_BYTES, null);
    this.#packets.push({ due: performance.now() + delayMs, at: this.#end, length });
    this.#end += length;
  }

  /** Hands out what is due. @returns milliseconds until something is; undefined if nothing is on its way */
  pass(): number | undefined {
    const now = performance.now();
    for (;;) {
      const packet = this.#packets[this.#gone];
      if (packet === undefined || packet.due > now) break;
      this.#gone += 1;
      try {
        writeSync(this.#to, this.#ring, packet.at, packet.length, null);
      } catch {
        // Lost.
      }
    }
    if (this.#gone > 4096) this.#packets = this.#packets.slice(this.#gone);
    if (this.#gone > 4096) this.#gone = 0;
    const next = this.#packets[this.#gone];
    return next && next.due - now;
  }
}

function openInterface(name: string): number {
  const fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
  const request = Buffer.alloc(REQUEST_BYTES);
  request.write(name, 'latin1');
  request.writeUInt16LE(IFF_TUN | IFF_NO_PI, NAME_BYTES);
  if (libc().ioctl(fd, TUNSETIFF, request) === 0) return fd;
  closeSync(fd);
  throw new Error(`Cannot make the network interface ${name}`);
}

let delayMs = 0;
process.on('message', wanted => {
  delayMs = wanted as number;
});
process.once('disconnect', () => process.exit());

const fds = process.argv.slice(2).map(openInterface) as [number, number];
const directions = [new Direction(fds[0], fds[1]), new Direction(fds[1], fds[0])] as const;
/** Two of struct pollfd: fd at 0, events at 4, revents at 6. */
const polled = new Uint8Array(new Int32Array([fds[0], POLLIN, fds[1], POLLIN]).buffer);
process.send?.('open');

function turn(): void {
  const waits = directions.map(direction => direction.pass()).filter(wait => wait !== undefined);
  // A millisecond is as short as poll(2) waits, and to look again and again would take a processor.
  libc().poll(polled, 2, Math.max(0, Math.ceil(Math.min(20, ...waits))));
  for (let left = BURST_PACKETS; left > 0; left--) {
    const [first, second] = [polled[6] !== 0, polled[14] !== 0];
    if (!first && !second) break;
    if (first) directions[0].take(delayMs);
    if (second) directions[1].take(delayMs);
    if (delayMs === 0) for (const direction of directions) direction.pass();
    libc().poll(polled, 2, 0);
  }
  setImmediate(turn);
}
turn();
