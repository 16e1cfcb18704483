import type { Aggregate } from '../aggregate/aggregate.ts';
import { abortable } from '../base/abortable.ts';
import { IoliteError } from '../base/error.ts';
import { ignore } from '../base/ignore.ts';
import type { Json } from '../base/json.ts';
import type { Channel } from '../ipc/channel.ts';
import type { Message } from '../ipc/message.ts';
import type { DirectoryIndex } from '../store/directory/directory-index.ts';
import type { StoredVersion } from '../store/stored-version.ts';
import type { ClaimAnswer } from './claims.ts';
import type { ClaimOptions, Keeper, KeeperStats, KeptKey, MadeValue } from './keeper.ts';
import { KeeperRequest, MAX_OFFERED_VALUES } from './keeper-requests.ts';
import type { Selector } from './selector.ts';
import { isValueKind } from './value.ts';
import type { NewFacts, ValueFacts } from './value-facts.ts';

/** In one offer, at least; and about what is said of a value besides its key. */
const MAX_OFFERED_CHARACTERS = 32 * 1024;
const TOLD_CHARACTERS = 100;
/** Before an owner goes. */
const PARALLEL_FETCHES = 64;

/**
 * The keeper in another process, through a channel. Everything fails with ERR_IOLITE_PEER when that is gone.
 */
export class RemoteKeeper implements Keeper {
  readonly channel: Channel;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  /** @param member a name that no other has, and that it has under each owner */
  async join(member: string): Promise<void> {
    await this.#ask({ type: KeeperRequest.JOIN, member });
  }

  async set(key: string, facts: NewFacts, content: Aggregate, claim?: number): Promise<boolean> {
    const numbered = claim === undefined ? {} : { claim };
    const head = { type: KeeperRequest.SET, key, facts, ...numbered };
    return (await this.#ask(head, content.length === 0 ? undefined : content)) === true;
  }

  async delete(key: string): Promise<boolean> {
    return (await this.invalidate({ keys: [key] })) > 0;
  }

  async invalidate(selector: Selector): Promise<number> {
    return Number(await this.#ask({ type: KeeperRequest.INVALIDATE, selector: selector as Json }));
  }

  async claim(key: string, { since, timeout, waits, signal }: ClaimOptions): Promise<ClaimAnswer<MadeValue>> {
    const asked = this.channel.request({ head: { type: KeeperRequest.CLAIM, key, since, timeout, waits } });
    try {
      return this.#claimed(await abortable(asked, signal));
    } catch (error) {
      // What was claimed for who has given up is for others.
      if (signal?.aborted === true) asked.then(answer => this.#giveBack(answer), ignore);
      throw error;
    }
  }

  #giveBack(message: Message): void {
    const answer = this.#claimed(message);
    if (answer.kind === 'make') this.fail(answer.id, undefined);
    else if (answer.kind === 'made') answer.value.content.release();
  }

  /** @param answer taken over */
  #claimed({ head, body }: Message): ClaimAnswer<MadeValue> {
    const { kind, id, of } = (head ?? {}) as { kind?: unknown; id?: unknown; of?: unknown };
    if (kind === 'made' && isValueKind(of) && body !== undefined)
      return { kind, value: { kind: of, content: body } };
    body?.release();
    if (kind === 'found' || kind === 'busy') return { kind };
    if (kind === 'make' && typeof id === 'number') return { kind, id };
    throw malformed('claim');
  }

  fail(claim: number, error: Error | undefined): void {
    if (error === undefined) {
      this.#ask({ type: KeeperRequest.FAIL, claim }).catch(ignore);
      return;
    }
    const { name, message, code } = error as NodeJS.ErrnoException;
    const told = {
      name: String(name),
      message: String(message),
      ...(typeof code === 'string' ? { code } : {}),
    };
    this.#ask({ type: KeeperRequest.FAIL, claim, error: told }).catch(ignore);
  }

  async keys(prefix: string): Promise<readonly KeptKey[]> {
    const { body } = await this.channel.request({ head: { type: KeeperRequest.KEYS, prefix } });
    try {
      return JSON.parse(body?.toString() ?? '') as readonly KeptKey[];
    } catch {
      throw malformed('list');
    } finally {
      body?.release();
    }
  }

  async stats(): Promise<KeeperStats> {
    return (await this.#ask({ type: KeeperRequest.STATS })) as KeeperStats;
  }

  /** Offers what is held from a former owner, which is still right. */
  async offer(index: DirectoryIndex<ValueFacts>): Promise<void> {
    let page: StoredVersion<ValueFacts>[] = [];
    let characters = 0;
    for (const held of index.ofFormerOwners()) {
      page.push(held);
      characters += held.key.length + TOLD_CHARACTERS;
      if (page.length < MAX_OFFERED_VALUES && characters < MAX_OFFERED_CHARACTERS) continue;
      await this.#offer(page);
      page = [];
      characters = 0;
    }
    if (page.length > 0) await this.#offer(page);
  }

  /** Fetches what is not mapped here, before the owner goes. What is gone meanwhile is left out. */
  async takeOver(index: DirectoryIndex<ValueFacts>): Promise<void> {
    const missing = index.missing();
    const fetch = async (): Promise<void> => {
      for (const key of missing) await index.ask(key).then(held => held.release(), ignore);
    };
    await Promise.all(Array.from({ length: PARALLEL_FETCHES }, fetch));
  }

  /** @param page references, taken over */
  async #offer(page: readonly StoredVersion<ValueFacts>[]): Promise<void> {
    try {
      const values = page.map(({ key, facts }) => [key, facts]);
      const wanted = (await this.#ask({ type: KeeperRequest.OFFER, values })) as readonly number[];
      await Promise.all(
        wanted.map(place => {
          const { key, facts, content } = page[place] as StoredVersion<ValueFacts>;
          return this.#ask({ type: KeeperRequest.INHERIT, key, facts }, content);
        }),
      );
    } finally {
      for (const held of page) held.release();
    }
  }

  /** @param body stays the caller's, who may release it at once */
  async #ask(head: Json, body?: Aggregate): Promise<Json | undefined> {
    const answer: Message = await this.channel.request(body === undefined ? { head } : { head, body });
    answer.body?.release();
    return answer.head;
  }
}

function malformed(what: string): IoliteError {
  return new IoliteError(
    'ERR_IOLITE_PROTOCOL',
    `Cannot use shared cache: its answer to a ${what} is malformed`,
  );
}
