import { ignore } from '../../base/ignore.ts';
import { type Proposal, type ProposalAnswer, StoreRequest } from '../store-protocol.ts';
import type { Session } from './index-entry.ts';

/** How long proposals are gathered, and with how many they are made at once. */
const GATHERING_MS = 50;
const MAX_PROPOSALS = 128;
/** They are one message, and no long one. */
const MAX_CHARACTERS = 32 * 1024;

/**
 * What a domain gets elsewhere than from the owner of a store, again and again: it is proposed to the owner,
 * in batches, and is to be asked for where the policy would keep it. So what would not be kept is read
 * and sent by nobody.
 *
 * Source: the candidates of TinyLFU, see `policies/greedy-dual-size-frequency.ts`.
 */
export class Proposals {
  /** Told of each key under which the owner would keep something, if it were asked for it. */
  onAdmitted: (key: string) => void = ignore;
  readonly #name: string;
  readonly #index: { readonly session: Session | undefined };
  readonly #gathered = new Map<string, Proposal>();
  #characters = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param name of the store in requests @param index which says under which owner it is */
  constructor(name: string, index: { readonly session: Session | undefined }) {
    this.#name = name;
    this.#index = index;
  }

  /** @param uses how often it was used since it was proposed last */
  add(key: string, size: number, uses: number): void {
    const [, , before = 0] = this.#gathered.get(key) ?? [];
    if (before === 0) this.#characters += key.length;
    this.#gathered.set(key, [key, size, before + uses]);
    if (this.#gathered.size >= MAX_PROPOSALS || this.#characters >= MAX_CHARACTERS) void this.#propose();
    else this.#timer ??= setTimeout(() => void this.#propose(), GATHERING_MS).unref();
  }

  /** Forgets what was not proposed yet. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#gathered.clear();
    this.#characters = 0;
  }

  async #propose(): Promise<void> {
    const { session } = this.#index;
    const proposals = [...this.#gathered.values()];
    this.clear();
    if (session === undefined) return;
    try {
      const { head, body } = await session.channel.request({
        head: { type: `${this.#name}.${StoreRequest.PROPOSE}`, proposals },
      });
      body?.release();
      const { admitted } = (head ?? {}) as Partial<ProposalAnswer>;
      if (this.#index.session !== session || !Array.isArray(admitted)) return;
      for (const place of admitted) {
        const key = proposals[place]?.[0];
        if (key !== undefined) this.onAdmitted(key);
      }
    } catch {
      // Whoever asks for them later is told why.
    }
  }
}
