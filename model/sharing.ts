import type { Protocol, Visit } from './checker.ts';
import { Kernel } from './kernel.ts';
import * as at from './layout.ts';

/** What a domain is in the middle of: what others and its death may come between. */
const Doing = {
  nothing: 0,
  /** The owner has the write lock; and has raised the generation. */
  renewing: 1,
  raised: 2,
  /** A descriptor is in the socket; and the frame that announces it. */
  passing: 3,
  announced: 4,
  /** A passed file was opened anew; and that description is locked. */
  opened: 5,
  locked: 6,
  /** Of a message's lease the first half is done: the lock, or the look at the generation. */
  leasing: 7,
} as const;

const Frame = { grant: 1, message: 2, revoke: 3 } as const;

const OWNER = 0;
const name = (domain: number): string => 'ABC'[domain] as string;

function set(state: Uint8Array, place: number, value: number): void {
  state[place] = value;
}

/**
 * How chunks are shared: what src/memory and src/ipc do, one step for each thing that another process, or a
 * death, may come before. docs/model.md says which step is which line of the source.
 */
export class Sharing implements Protocol {
  readonly initial: Uint8Array;
  readonly #world: at.World;
  readonly #kernel: Kernel;
  readonly #layout: at.Layout;
  readonly #next: Uint8Array;
  #state: Uint8Array;
  #visit: Visit = () => {};

  constructor(world: at.World) {
    this.#world = world;
    this.#kernel = new Kernel(world);
    this.#layout = this.#kernel.layout;
    this.initial = this.#kernel.initial();
    this.#state = this.initial;
    this.#next = this.initial.slice();
  }

  fault(state: Uint8Array): string | undefined {
    return this.#kernel.fault(state);
  }

  unrest(state: Uint8Array): string | undefined {
    return this.#kernel.unrest(state);
  }

  steps(state: Uint8Array, visit: Visit): void {
    this.#state = state;
    this.#visit = visit;
    for (let domain = 0; domain < this.#world.domains; domain++) {
      const own = this.#layout.domain(domain);
      if (state[own + at.ALIVE] === 0) continue;
      if (state[own + at.DOING] !== Doing.nothing) this.#goOn(domain);
      else this.#begin(domain);
      this.#step(
        false,
        next => this.#kernel.kill(next, domain),
        () => `${name(domain)} dies`,
      );
    }
  }

  #step(isFair: boolean, change: (next: Uint8Array) => void, what: () => string): void {
    this.#next.set(this.#state);
    change(this.#next);
    this.#visit(isFair, this.#next, what);
  }

  /** What a domain may do next that is in the middle of nothing. */
  #begin(domain: number): void {
    for (let chunk = 0; chunk < this.#world.chunks; chunk++) {
      if (domain === OWNER) this.#own(chunk);
      this.#useImported(domain, chunk);
    }
    for (const [channel, { from, to }] of this.#world.routes.entries()) {
      if (from === domain && this.#state[this.#layout.channel(channel) + at.SENDER_UP] === 1)
        this.#send(channel, from);
      if (to === domain && this.#state[this.#layout.channel(channel) + at.RECEIVER_UP] === 1)
        this.#receive(channel, to);
    }
  }

  #do(next: Uint8Array, domain: number, doing: number, withWhat = 0, chunk = 0): void {
    next.set([doing, withWhat, chunk], this.#layout.domain(domain) + at.DOING);
  }

  /** The owner fills, lets go of, refills and gives up a chunk: ChunkPool, SharedChunk.renew(). */
  #own(chunk: number): void {
    const state = this.#state;
    const it = this.#layout.chunk(chunk);
    if (state[it + at.FILLING] === 1) return this.#fill(chunk);
    if (state[it + at.USED] === 1) {
      const release = (next: Uint8Array): void => set(next, it + at.USED, 0);
      this.#step(true, release, () => `A lets go of chunk ${chunk}`);
    }
    if (!this.#kernel.isIdle(state, chunk)) return;
    const isGranted = state[it + at.GRANTED] === 1;
    const isLeased = this.#kernel.isReadLocked(state, chunk);
    // Of who holds too much it is given up although he leases it.
    if (state[it + at.DROPPED] === 0 && state[it + at.GENERATION] !== at.NONE) {
      const drop = (next: Uint8Array): void => this.#drop(next, chunk);
      this.#step(false, drop, () => `A gives chunk ${chunk} back to the system`);
    }
    if (state[it + at.SPENT] === 1 || state[it + at.GENERATION] === this.#world.generations) return;
    const { broken } = this.#world;
    if (isGranted && isLeased && broken !== 'recycling without the lock') return;
    for (let audience = 1; audience <= Math.max(1, this.#world.audiences.length); audience++) {
      const suits = audience === state[it + at.AUDIENCE] || !isGranted;
      if (!suits && broken !== 'passed memory for another audience') continue;
      this.#step(
        false,
        next => {
          next[it + at.WRITE_LOCK] = isGranted && broken !== 'recycling without the lock' ? 1 : 0;
          this.#do(next, OWNER, Doing.renewing, audience, chunk);
        },
        () =>
          `A takes chunk ${chunk}${isGranted && broken !== 'recycling without the lock' ? ' with a write lock' : ''} for audience ${audience}`,
      );
    }
  }

  #fill(chunk: number): void {
    const it = this.#layout.chunk(chunk);
    const generation = this.#state[it + at.GENERATION] as number;
    const audience = this.#kernel.audienceOf(this.#state[it + at.AUDIENCE] as number);
    if (this.#state[it + at.BODY] !== at.TORN) {
      this.#step(
        true,
        next => {
          next[it + at.BODY] = at.TORN;
          next[it + at.SEEN_BODY] = (next[it + at.SEEN_BODY] as number) & audience;
        },
        () => `A begins to write into chunk ${chunk}`,
      );
      return;
    }
    this.#step(
      true,
      next => {
        next[it + at.BODY] = generation;
        next[it + at.SEEN_BODY] = audience;
        // Each other buffer is a long one; the next leaves the end of it where it lies.
        if (generation % 2 === 1) next[it + at.SEEN_REST] = audience;
        next[it + at.FILLING] = 0;
      },
      () => `A seals generation ${generation} of chunk ${chunk}`,
    );
  }

  #drop(next: Uint8Array, chunk: number): void {
    const it = this.#layout.chunk(chunk);
    next[it + at.DROPPED] = 1;
    next[it + at.SPENT] = 1;
    this.#kernel.revokeAll(next, OWNER, chunk);
  }

  /** A program lets go of what it was sent; a lock that nothing needs is dropped a little later: LazyUnlock. */
  #useImported(domain: number, chunk: number): void {
    const it = this.#layout.imported(domain, chunk);
    if (this.#state[it + at.TAKEN] === 1) {
      const release = (next: Uint8Array): void => {
        next[it + at.TAKEN] = 0;
        this.#kernel.leaseMayEnd(next, domain, chunk);
      };
      this.#step(true, release, () => `${name(domain)} lets go of chunk ${chunk}`);
    }
    if (this.#state[it + at.LOCKED] === 0 || this.#state[it + at.LEASED] !== at.NONE) return;
    const unlock = (next: Uint8Array): void => set(next, it + at.LOCKED, 0);
    this.#step(true, unlock, () => `${name(domain)} unlocks chunk ${chunk}, which it does not use`);
  }

  /** The sending end of a channel: Sender, ExportTable. */
  #send(channel: number, domain: number): void {
    const state = this.#state;
    const it = this.#layout.channel(channel);
    const { to } = this.#world.routes[channel] as at.Route;
    for (let chunk = 0; chunk < this.#world.chunks; chunk++) {
      if (this.#maySend(channel, domain, chunk)) this.#sendChunk(channel, domain, chunk);
      const isGranted = ((state[it + at.SENT_GRANTS] as number) & (1 << chunk)) !== 0;
      if (isGranted && this.#hasRoom(channel)) {
        const revoke = (next: Uint8Array): void => this.#kernel.revoke(next, channel, chunk);
        this.#step(false, revoke, () => `${name(domain)} revokes chunk ${chunk} from ${name(to)}`);
      }
    }
    if ((state[it + at.ACKNOWLEDGED] as number) > 0) {
      const hear = (next: Uint8Array): void => this.#kernel.acknowledged(next, channel);
      this.#step(true, hear, () => `${name(domain)} hears that ${name(to)} has leased a message`);
    }
    const isLost = state[it + at.RECEIVER_UP] === 0;
    if (isLost && this.#world.broken === 'deaths go unnoticed') return;
    const end = (next: Uint8Array): void => this.#kernel.endSending(next, channel);
    const why = isLost ? `finds that ${name(to)} is gone` : `cuts ${name(to)} off`;
    this.#step(isLost, end, () => `${name(domain)} ${why}`);
  }

  #hasRoom(channel: number): boolean {
    const frames = this.#layout.channel(channel) + at.FRAMES;
    return at.lengthOf(this.#state, frames, at.MAX_FRAMES, 2) + 4 <= at.MAX_FRAMES;
  }

  #maySend(channel: number, domain: number, chunk: number): boolean {
    const state = this.#state;
    const { to } = this.#world.routes[channel] as at.Route;
    const unleased = this.#layout.channel(channel) + at.UNLEASED;
    if (at.lengthOf(state, unleased, this.#world.window) === this.#world.window) return false;
    if (!this.#hasRoom(channel) || !this.#kernel.admits(state, domain, to, chunk)) return false;
    if (domain !== OWNER) return state[this.#layout.imported(domain, chunk) + at.TAKEN] === 1;
    const it = this.#layout.chunk(chunk);
    return state[it + at.USED] === 1 && state[it + at.FILLING] === 0;
  }

  #sendChunk(channel: number, domain: number, chunk: number): void {
    const { to } = this.#world.routes[channel] as at.Route;
    const it = this.#layout.channel(channel);
    const isGranted = ((this.#state[it + at.SENT_GRANTS] as number) & (1 << chunk)) !== 0;
    this.#step(
      false,
      next => {
        if (this.#world.broken !== 'reference dropped at once')
          at.push(next, it + at.UNLEASED, this.#world.window, chunk + 1);
        if (isGranted) return this.#write(next, channel, Frame.message, chunk);
        this.#kernel.pass(next, channel, chunk);
        this.#do(next, domain, Doing.passing, channel, chunk);
      },
      () =>
        `${name(domain)} sends ${isGranted ? 'a message' : 'the descriptor'} of chunk ${chunk} to ${name(to)}`,
    );
  }

  #write(next: Uint8Array, channel: number, frame: number, chunk: number): void {
    const generation = next[this.#layout.chunk(chunk) + at.GENERATION] as number;
    this.#kernel.write(next, channel, frame + 4 * chunk, generation);
  }

  /** The receiving end: Receiver, ImportTable, ImportedChunk. */
  #receive(channel: number, domain: number): void {
    const state = this.#state;
    const it = this.#layout.channel(channel);
    const { from } = this.#world.routes[channel] as at.Route;
    const code = state[it + at.FRAMES] as number;
    const chunk = code >> 2;
    if ((code & 3) === Frame.grant) this.#takeGrant(channel, domain, chunk);
    if ((code & 3) === Frame.message) this.#takeMessage(channel, domain, chunk);
    if ((code & 3) === Frame.revoke) {
      const revoked = (next: Uint8Array): void => {
        at.shift(next, it + at.FRAMES, at.MAX_FRAMES, 2);
        this.#kernel.forget(next, channel, chunk);
      };
      this.#step(true, revoked, () => `${name(domain)} reads that chunk ${chunk} is revoked`);
    }
    const isLost = state[it + at.SENDER_UP] === 0;
    const end = (next: Uint8Array): void => this.#kernel.endReceiving(next, channel);
    const why = isLost ? `finds that ${name(from)} is gone` : `cuts ${name(from)} off`;
    this.#step(isLost, end, () => `${name(domain)} ${why}`);
  }

  #takeGrant(channel: number, domain: number, chunk: number): void {
    const it = this.#layout.imported(domain, chunk);
    const isOpen = this.#state[it + at.OPEN] === 1;
    this.#step(
      true,
      next => {
        next[it + at.OPEN] = 1;
        this.#do(next, domain, isOpen ? Doing.locked : Doing.opened, channel, chunk);
      },
      () => `${name(domain)} takes the descriptor of chunk ${chunk}`,
    );
  }

  /** Lock, then look at the generation: the order is what makes it safe. */
  #takeMessage(channel: number, domain: number, chunk: number): void {
    const state = this.#state;
    const frames = this.#layout.channel(channel) + at.FRAMES;
    const own = this.#layout.chunk(chunk);
    const it = this.#layout.imported(domain, chunk);
    const isCurrent = state[frames + 1] === state[own + at.GENERATION];
    if (this.#world.broken === 'lease after the check') {
      const look = (next: Uint8Array): void => {
        if (isCurrent) this.#do(next, domain, Doing.leasing, channel, chunk);
        else this.#stale(next, channel);
      };
      this.#step(true, look, () => `${name(domain)} looks at the generation of chunk ${chunk}`);
      return;
    }
    // Where the lock is refused at an equal generation it is tried again, later.
    if (state[own + at.WRITE_LOCK] === 1 && state[it + at.LOCKED] === 0 && isCurrent) return;
    this.#step(
      true,
      next => {
        if (state[own + at.WRITE_LOCK] === 0) next[it + at.LOCKED] = 1;
        this.#do(next, domain, Doing.leasing, channel, chunk);
      },
      () => `${name(domain)} locks chunk ${chunk} for a message`,
    );
  }

  /** The channel ends: what the message names is gone. An honest sender that is there has kept it. */
  #stale(next: Uint8Array, channel: number): void {
    if (next[this.#layout.channel(channel) + at.SENDER_UP] === 1) next[this.#layout.fault] = 1;
    this.#kernel.endReceiving(next, channel);
  }

  /** The next of the calls that a domain is in the middle of. */
  #goOn(domain: number): void {
    const own = this.#layout.domain(domain);
    const [doing, channel, chunk] = this.#state.subarray(own + at.DOING, own + at.DOING + 3) as unknown as [
      number,
      number,
      number,
    ];
    const go = (change: (next: Uint8Array) => void, what: string): void =>
      this.#step(
        true,
        next => {
          this.#do(next, domain, Doing.nothing);
          change(next);
        },
        () => `${name(domain)} ${what} chunk ${chunk}`,
      );
    switch (doing) {
      case Doing.renewing:
      case Doing.raised:
        return this.#renew(doing, channel, chunk, go);
      case Doing.passing:
        return go(next => {
          this.#write(next, channel, Frame.grant, chunk);
          this.#do(next, domain, Doing.announced, channel, chunk);
        }, 'announces');
      case Doing.announced:
        return go(next => this.#write(next, channel, Frame.message, chunk), 'sends a message of');
      case Doing.opened:
        return go(next => {
          const isLocked = next[this.#layout.chunk(chunk) + at.WRITE_LOCK] === 0;
          next[this.#layout.imported(domain, chunk) + at.LOCKED] = isLocked ? 1 : 0;
          this.#do(next, domain, Doing.locked, channel, chunk);
        }, 'locks its own description of');
      case Doing.locked:
        return go(next => this.#kernel.granted(next, channel, chunk), 'closes the passed descriptor of');
      default:
        return this.#lease(channel, chunk, go);
    }
  }

  #renew(
    doing: number,
    audience: number,
    chunk: number,
    go: (change: (next: Uint8Array) => void, what: string) => void,
  ): void {
    const it = this.#layout.chunk(chunk);
    const raise = (next: Uint8Array): void => {
      next[it + at.GENERATION] = (next[it + at.GENERATION] as number) + 1;
    };
    const isLate = this.#world.broken === 'generation raised after the lock';
    if (doing === Doing.renewing) {
      return go(
        next => {
          if (audience !== next[it + at.AUDIENCE]) this.#kernel.zeroFor(next, audience, chunk);
          if (isLate) next[it + at.WRITE_LOCK] = 0;
          else raise(next);
          this.#do(next, OWNER, Doing.raised, audience, chunk);
        },
        isLate ? 'unlocks' : 'raises the generation of',
      );
    }
    go(
      next => {
        if (isLate) raise(next);
        next[it + at.WRITE_LOCK] = 0;
        next[it + at.USED] = 1;
        next[it + at.FILLING] = 1;
      },
      isLate ? 'raises the generation of' : 'unlocks',
    );
  }

  /** The second half of a lease. */
  #lease(
    channel: number,
    chunk: number,
    go: (change: (next: Uint8Array) => void, what: string) => void,
  ): void {
    const { to } = this.#world.routes[channel] as at.Route;
    const own = this.#layout.chunk(chunk);
    const it = this.#layout.imported(to, chunk);
    const generation = this.#state[this.#layout.channel(channel) + at.FRAMES + 1] as number;
    const isChecked =
      this.#world.broken === 'lease after the check' || this.#world.broken === 'no generations';
    if (!isChecked && this.#state[own + at.GENERATION] !== generation)
      return go(next => this.#stale(next, channel), 'finds a later generation of');
    if (this.#world.broken === 'lease after the check' && this.#state[own + at.WRITE_LOCK] === 1) return;
    go(next => {
      next[it + at.LOCKED] = 1;
      next[it + at.LEASED] = generation;
      next[it + at.TAKEN] = 1;
      this.#kernel.leased(next, channel);
    }, `leases generation ${generation} of`);
  }
}
