import { closeDescriptor } from '../../../os/descriptor.ts';

/** What is done with the connections of a place: answered, or sent from plain HTTP to HTTPS. */
export type PlaceRole = 'site' | 'redirect';

/** Where connections come in. */
export interface ListeningPlace {
  readonly role: PlaceRole;
  /** One socket for each worker, among which the kernel divides connections; or one that all share. */
  readonly fds: readonly number[];
  /** As people name it: a URL without a path, or `unix:` and a path. */
  readonly at: string;
  /** Undefined for one without, as Unix sockets are. */
  readonly port: number | undefined;
  /** What is to be done besides before the sockets are closed. */
  readonly leave?: () => void;
}

/** All places of a server. Its sockets stay open through all generations of workers, until it is closed. */
export class ListeningPlaces {
  readonly #places: readonly ListeningPlace[];
  #isOpen = true;

  /** @param places taken over: {@link close} closes their sockets */
  constructor(places: readonly ListeningPlace[]) {
    this.#places = places;
  }

  /** What the connections of each are for, in the order of {@link descriptors}. */
  get roles(): readonly PlaceRole[] {
    return this.#places.map(({ role }) => role);
  }

  /** Those where something is answered. */
  get sites(): readonly ListeningPlace[] {
    return this.#places.filter(({ role }) => role === 'site');
  }

  get redirects(): readonly ListeningPlace[] {
    return this.#places.filter(({ role }) => role === 'redirect');
  }

  /** The sockets of each of `count` workers. They stay ours. */
  descriptors(count: number): readonly (readonly number[])[] {
    return Array.from({ length: count }, (_, worker) =>
      this.#places.map(({ fds }) => (fds.length === 1 ? fds[0] : fds[worker]) as number),
    );
  }

  /** Accepts no more here; workers do as long as they are open. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const { fds, leave } of this.#places) {
      leave?.();
      for (const fd of fds) closeDescriptor(fd);
    }
  }
}
