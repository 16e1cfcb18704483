import * as at from './layout.ts';

const OWNER = 0;
const REVOKE = 3;

/**
 * What holds whatever a domain does: locks, descriptors and bytes that the kernel keeps, what it ends with a
 * domain or a socket, and the properties that are checked.
 */
export class Kernel {
  readonly layout: at.Layout;
  readonly #world: at.World;

  constructor(world: at.World) {
    this.#world = world;
    this.layout = new at.Layout(world);
  }

  initial(): Uint8Array {
    const state = new Uint8Array(this.layout.bytes);
    const { domains, chunks, routes } = this.#world;
    for (let domain = 0; domain < domains; domain++) state[this.layout.domain(domain) + at.ALIVE] = 1;
    for (let chunk = 0; chunk < chunks; chunk++)
      state.fill(
        this.#everyone,
        this.layout.chunk(chunk) + at.SEEN_BODY,
        this.layout.chunk(chunk) + at.SEEN_REST + 1,
      );
    for (const channel of routes.keys()) {
      state[this.layout.channel(channel) + at.SENDER_UP] = 1;
      state[this.layout.channel(channel) + at.RECEIVER_UP] = 1;
    }
    return state;
  }

  /** Whether any description but the owner's own has a read lock: of a domain, or on its way to one. */
  isReadLocked(state: Uint8Array, chunk: number): boolean {
    for (let domain = 0; domain < this.#world.domains; domain++)
      if (state[this.layout.imported(domain, chunk) + at.LOCKED] === 1) return true;
    return this.#world.routes.some((_, channel) => this.#isTravelling(state, channel, chunk));
  }

  /** Whether no slice of it lives in the owner, nor a reference for who has not leased it. */
  isIdle(state: Uint8Array, chunk: number): boolean {
    if (state[this.layout.chunk(chunk) + at.USED] === 1) return false;
    return !this.#world.routes.some(
      ({ from }, channel) => from === OWNER && this.#isUnleased(state, channel, chunk),
    );
  }

  /** Whether a domain may pass a chunk on: by its audience, which stands for the access list too. */
  admits(state: Uint8Array, from: number, to: number, chunk: number): boolean {
    if (to === OWNER) return true;
    const audience = this.audienceOf(state[this.layout.chunk(chunk) + at.AUDIENCE] as number);
    return (audience & (1 << to)) !== 0 || (this.#isDivided && from === OWNER);
  }

  /** The domains of an audience, A among them. */
  audienceOf(audience: number): number {
    return this.#isDivided ? 0b011 : 1 | (this.#world.audiences[audience - 1] as number);
  }

  zeroFor(next: Uint8Array, audience: number, chunk: number): void {
    const it = this.layout.chunk(chunk);
    next[it + at.AUDIENCE] = audience;
    if (this.#world.broken === 'no zeroing') return;
    next[it + at.BODY] = at.NONE;
    next[it + at.SEEN_BODY] = this.#everyone;
    next[it + at.SEEN_REST] = this.#everyone;
  }

  /** A descriptor goes into the socket, with a lease: SharedChunk.revealTo() and grant(). */
  pass(next: Uint8Array, channel: number, chunk: number): void {
    const { from, to } = this.#world.routes[channel] as at.Route;
    const [own, it] = [this.layout.chunk(chunk), this.layout.channel(channel)];
    if (this.#isDivided && to === 2) {
      if (this.#world.broken !== 'no zeroing') next[own + at.SEEN_REST] = this.#everyone;
      next[own + at.SEEN_BODY] = (next[own + at.SEEN_BODY] as number) | (1 << to);
      next[own + at.SPENT] = 1;
    }
    if (from === OWNER) next[own + at.GRANTED] = 1;
    next[it + at.SENT_GRANTS] = (next[it + at.SENT_GRANTS] as number) | (1 << chunk);
    if (next[it + at.RECEIVER_UP] === 1) at.push(next, it + at.DESCRIPTORS, at.MAX_DESCRIPTORS, chunk + 1);
  }

  write(next: Uint8Array, channel: number, frame: number, generation: number): void {
    const it = this.layout.channel(channel);
    if (next[it + at.RECEIVER_UP] === 1) at.push(next, it + at.FRAMES, at.MAX_FRAMES, frame, generation);
  }

  /** The receiver has a description of its own: the one that came is closed, and with it its lock. */
  granted(next: Uint8Array, channel: number, chunk: number): void {
    const it = this.layout.channel(channel);
    at.shift(next, it + at.FRAMES, at.MAX_FRAMES, 2);
    at.shift(next, it + at.DESCRIPTORS, at.MAX_DESCRIPTORS);
    next[it + at.KNOWN_GRANTS] = (next[it + at.KNOWN_GRANTS] as number) | (1 << chunk);
  }

  leased(next: Uint8Array, channel: number): void {
    const it = this.layout.channel(channel);
    at.shift(next, it + at.FRAMES, at.MAX_FRAMES, 2);
    if (next[it + at.SENDER_UP] === 1 && this.#world.broken !== 'reference dropped at once')
      next[it + at.ACKNOWLEDGED] = (next[it + at.ACKNOWLEDGED] as number) + 1;
  }

  acknowledged(next: Uint8Array, channel: number): void {
    const it = this.layout.channel(channel);
    const chunk = (next[it + at.UNLEASED] as number) - 1;
    next[it + at.ACKNOWLEDGED] = (next[it + at.ACKNOWLEDGED] as number) - 1;
    at.shift(next, it + at.UNLEASED, this.#world.window);
    this.leaseMayEnd(next, (this.#world.routes[channel] as at.Route).from, chunk);
  }

  /** A sender will not name a chunk again, and says so. */
  revoke(next: Uint8Array, channel: number, chunk: number): void {
    const it = this.layout.channel(channel);
    next[it + at.SENT_GRANTS] = (next[it + at.SENT_GRANTS] as number) & ~(1 << chunk);
    this.write(next, channel, REVOKE + 4 * chunk, 0);
  }

  revokeAll(next: Uint8Array, domain: number, chunk: number): void {
    for (const [channel, { from }] of this.#world.routes.entries()) {
      const grants = next[this.layout.channel(channel) + at.SENT_GRANTS] as number;
      if (from === domain && (grants & (1 << chunk)) !== 0) this.revoke(next, channel, chunk);
    }
  }

  /** A receiver's end of a grant: the chunk goes unless it is leased, or another channel names it. */
  forget(next: Uint8Array, channel: number, chunk: number): void {
    const it = this.layout.channel(channel);
    next[it + at.KNOWN_GRANTS] = (next[it + at.KNOWN_GRANTS] as number) & ~(1 << chunk);
    this.#discardUnlessUsed(next, (this.#world.routes[channel] as at.Route).to, chunk);
  }

  /** The last slice of a chunk of others may be gone: ImportedChunk.leaseEnded(). */
  leaseMayEnd(next: Uint8Array, domain: number, chunk: number): void {
    const it = this.layout.imported(domain, chunk);
    const isSent = this.#world.routes.some(
      ({ from }, channel) => from === domain && domain !== OWNER && this.#isUnleased(next, channel, chunk),
    );
    if (next[it + at.TAKEN] === 1 || isSent) return;
    next[it + at.LEASED] = at.NONE;
    this.#discardUnlessUsed(next, domain, chunk);
  }

  endSending(next: Uint8Array, channel: number): void {
    const it = this.layout.channel(channel);
    const { from } = this.#world.routes[channel] as at.Route;
    next[it + at.SENDER_UP] = 0;
    next[it + at.SENT_GRANTS] = 0;
    next[it + at.ACKNOWLEDGED] = 0;
    next.fill(0, it + at.UNLEASED, it + at.UNLEASED + this.#world.window);
    for (let chunk = 0; chunk < this.#world.chunks; chunk++) this.leaseMayEnd(next, from, chunk);
  }

  /** What is in the sockets goes with them: descriptors, and the leases on these. */
  endReceiving(next: Uint8Array, channel: number): void {
    const it = this.layout.channel(channel);
    next[it + at.RECEIVER_UP] = 0;
    next.fill(0, it + at.DESCRIPTORS, it + at.UNLEASED);
    for (let chunk = 0; chunk < this.#world.chunks; chunk++) this.forget(next, channel, chunk);
  }

  /** The kernel closes all descriptors of a domain that dies, and drops the locks that they held. */
  kill(next: Uint8Array, domain: number): void {
    next.fill(0, this.layout.domain(domain), this.layout.domain(domain) + 4);
    for (let chunk = 0; chunk < this.#world.chunks; chunk++) {
      const it = this.layout.imported(domain, chunk);
      const isLocked = this.#world.broken === 'locks outlive their holder' && next[it + at.LOCKED] === 1;
      next.fill(0, it, it + 4);
      if (isLocked) next[it + at.LOCKED] = 1;
      const own = this.layout.chunk(chunk);
      if (domain === OWNER) next.fill(0, own + at.WRITE_LOCK, own + at.FILLING + 1);
    }
    for (const [channel, { from, to }] of this.#world.routes.entries()) {
      if (from === domain) this.endSending(next, channel);
      if (to === domain) this.endReceiving(next, channel);
    }
  }

  fault(state: Uint8Array): string | undefined {
    if (state[this.layout.fault] === 1)
      return 'a message of a sender that is there names memory that is gone';
    for (let domain = 0; domain < this.#world.domains; domain++) {
      for (let chunk = 0; chunk < this.#world.chunks; chunk++) {
        const what = this.#faultOf(state, domain, chunk);
        if (what !== undefined) return `${'ABC'[domain]} ${what}: chunk ${chunk}`;
      }
    }
    return undefined;
  }

  #faultOf(state: Uint8Array, domain: number, chunk: number): string | undefined {
    const [own, it] = [this.layout.chunk(chunk), this.layout.imported(domain, chunk)];
    const leased = state[it + at.LEASED] as number;
    if (leased !== at.NONE && leased !== state[own + at.GENERATION]) return 'holds a chunk that was recycled';
    if (leased !== at.NONE && leased !== state[own + at.BODY]) return 'holds bytes that changed';
    if (leased !== at.NONE && state[it + at.LOCKED] === 0) return 'holds a chunk without a lease';
    if (domain === OWNER || state[it + at.OPEN] === 0) return undefined;
    const seen = (state[own + at.SEEN_BODY] as number) & (state[own + at.SEEN_REST] as number);
    return (seen & (1 << domain)) === 0 ? 'can read bytes that are not for it' : undefined;
  }

  /** What is left when nothing more happens by itself. */
  unrest(state: Uint8Array): string | undefined {
    for (let domain = 0; domain < this.#world.domains; domain++) {
      if (state[this.layout.domain(domain) + at.DOING] !== 0)
        return `${'ABC'[domain]} waits in a call for ever`;
    }
    for (const channel of this.#world.routes.keys()) {
      const it = this.layout.channel(channel);
      if (state[it + at.FRAMES] !== 0) return `frames of channel ${channel} are never read`;
      if (state[it + at.UNLEASED] !== 0) return `references of channel ${channel} are kept for ever`;
      if (state[it + at.DESCRIPTORS] !== 0) return `a descriptor of channel ${channel} is kept for ever`;
    }
    for (let chunk = 0; chunk < this.#world.chunks; chunk++) {
      const what = this.#unrestOf(state, chunk);
      if (what !== undefined) return `chunk ${chunk} ${what}`;
    }
    return undefined;
  }

  #unrestOf(state: Uint8Array, chunk: number): string | undefined {
    const own = this.layout.chunk(chunk);
    if (state[own + at.WRITE_LOCK] === 1) return 'stays locked for writing';
    if (!this.isIdle(state, chunk)) return 'is never idle';
    if (this.isReadLocked(state, chunk)) return 'can never be filled again: a lease on it stays';
    const isOwned = state[this.layout.domain(OWNER) + at.ALIVE] === 1 && state[own + at.DROPPED] === 0;
    for (let domain = 0; domain < this.#world.domains && !isOwned; domain++) {
      if (state[this.layout.imported(domain, chunk) + at.OPEN] === 1)
        return `has no owner, and stays mapped in ${'ABC'[domain]}`;
    }
    return undefined;
  }

  get #isDivided(): boolean {
    return this.#world.audiences.length === 0;
  }

  get #everyone(): number {
    return (1 << this.#world.domains) - 1;
  }

  #isTravelling(state: Uint8Array, channel: number, chunk: number): boolean {
    const start = this.layout.channel(channel) + at.DESCRIPTORS;
    return state.subarray(start, start + at.MAX_DESCRIPTORS).includes(chunk + 1);
  }

  #isUnleased(state: Uint8Array, channel: number, chunk: number): boolean {
    const start = this.layout.channel(channel) + at.UNLEASED;
    return state.subarray(start, start + this.#world.window).includes(chunk + 1);
  }

  #discardUnlessUsed(next: Uint8Array, domain: number, chunk: number): void {
    const it = this.layout.imported(domain, chunk);
    if (next[it + at.OPEN] === 0 || next[it + at.LEASED] !== at.NONE) return;
    const isNamed = this.#world.routes.some(
      ({ to }, channel) =>
        to === domain &&
        ((next[this.layout.channel(channel) + at.KNOWN_GRANTS] as number) & (1 << chunk)) !== 0,
    );
    if (isNamed) return;
    next[it + at.OPEN] = 0;
    next[it + at.LOCKED] = 0;
    this.revokeAll(next, domain, chunk);
  }
}
