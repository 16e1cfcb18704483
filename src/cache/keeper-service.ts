import { Aggregate } from '../aggregate/aggregate.ts';
import { createPool, type Pool } from '../aggregate/pool.ts';
import { ArgumentError, describe, IoliteError } from '../base/error.ts';
import type { Json } from '../base/json.ts';
import type { Message } from '../ipc/message.ts';
import type { RequestContext } from '../ipc/responder.ts';
import type { ServedKeeper } from './keeper.ts';
import { KeeperRequest, MAX_OFFERED_VALUES } from './keeper-requests.ts';
import { checkSelector } from './selector.ts';
import { areNewFacts, areValueFacts, checkKey, type NewFacts, type ValueFacts } from './value-facts.ts';

const MAX_MEMBER_CHARACTERS = 64;

type Head = Record<string, Json | undefined>;

/** The keeper's side of one attached domain, which is trusted in nothing. */
export class KeeperService {
  readonly #keeper: ServedKeeper;
  readonly #joined: (member: string) => void;
  #lists: Pool | undefined;
  #isClosed = false;

  /** @param joined told which member it is, when that says so */
  constructor(keeper: ServedKeeper, joined: (member: string) => void) {
    this.#keeper = keeper;
    this.#joined = joined;
  }

  /** The domain is gone. */
  close(): void {
    this.#isClosed = true;
    this.#lists?.close();
  }

  /** Takes over the request's body. */
  async answer({ head, body }: Message, context: RequestContext): Promise<Message> {
    try {
      // Who has come again by another channel goes on there, with what it did last.
      if (this.#isClosed)
        throw new IoliteError('ERR_IOLITE_CLOSED', 'Cannot answer request: its channel is closed');
      const asked = (typeof head === 'object' && head !== null ? head : {}) as Head;
      return await this.#answer(asked, body ?? Aggregate.empty(), context);
    } finally {
      body?.release();
    }
  }

  async #answer(head: Head, body: Aggregate, context: RequestContext): Promise<Message> {
    switch (head.type) {
      case KeeperRequest.JOIN:
        return this.#join(head);
      case KeeperRequest.SET:
        return this.#set(head, body);
      case KeeperRequest.INVALIDATE: {
        const { selector } = head;
        checkSelector(selector);
        return { head: await this.#keeper.invalidate(selector) };
      }
      case KeeperRequest.CLAIM:
        return this.#claim(head, context);
      case KeeperRequest.FAIL:
        return this.#fail(head);
      case KeeperRequest.KEYS:
        return this.#keys(head);
      case KeeperRequest.STATS:
        return { head: this.#keeper.statsNow() };
      case KeeperRequest.OFFER:
        return this.#offer(head);
      case KeeperRequest.INHERIT:
        return this.#inherit(head, body);
      default:
        throw new ArgumentError(`Cannot answer request: ${describe(head.type)} is unknown`);
    }
  }

  #join({ member }: Head): Message {
    if (typeof member !== 'string' || member.length > MAX_MEMBER_CHARACTERS)
      throw new ArgumentError('Cannot join: who it is is wanted');
    this.#joined(member);
    return {};
  }

  async #set({ key, facts, claim }: Head, body: Aggregate): Promise<Message> {
    checkKey(key);
    if (!areNewFacts(facts) || (claim !== undefined && typeof claim !== 'number'))
      throw new ArgumentError('Cannot set value: what is known of it is malformed');
    const { kind, ttl, stale, tags } = facts as NewFacts;
    const known: NewFacts = {
      kind,
      ...(ttl === undefined ? {} : { ttl }),
      ...(stale === undefined ? {} : { stale }),
      ...(tags === undefined ? {} : { tags }),
    };
    return { head: await this.#keeper.setFor(this, key, known, body, claim as number | undefined) };
  }

  async #claim({ key, since, timeout, waits }: Head, context: RequestContext): Promise<Message> {
    checkKey(key);
    if (typeof since !== 'number' || typeof timeout !== 'number' || !(timeout > 0 && timeout < 2 ** 31))
      throw new ArgumentError('Cannot claim value: times are wanted');
    const { signal } = context;
    const answer = await this.#keeper.claimFor(this, key, { since, timeout, waits: waits === true, signal });
    if (answer.kind !== 'made') return { head: { ...answer } };
    const { kind, content } = answer.value;
    return { head: { kind: 'made', of: kind }, body: content };
  }

  #fail({ claim, error }: Head): Message {
    if (typeof claim !== 'number') throw new ArgumentError('Cannot give up value: its number is wanted');
    if (error === undefined) {
      this.#keeper.failFor(this, claim, undefined);
      return {};
    }
    const { name, message, code } = (error ?? {}) as { name?: unknown; message?: unknown; code?: unknown };
    const cause = Object.assign(new Error(String(message)), { name: String(name) });
    const told = new IoliteError(
      'ERR_IOLITE_REMOTE',
      `Cannot make value: in another process ${cause.name}: ${cause.message}`,
      { cause: typeof code === 'string' ? Object.assign(cause, { code }) : cause },
    );
    this.#keeper.failFor(this, claim, told);
    return {};
  }

  async #keys({ prefix }: Head): Promise<Message> {
    if (typeof prefix !== 'string') throw new ArgumentError('Cannot list keys: a text is wanted as prefix');
    const keys = await this.#keeper.keys(prefix);
    // Who has gone meanwhile needs none.
    if (this.#isClosed) return {};
    this.#lists ??= createPool({ name: 'keys' });
    return { body: this.#lists.from(JSON.stringify(keys)) };
  }

  #offer({ values }: Head): Message {
    if (!Array.isArray(values) || values.length > MAX_OFFERED_VALUES || !values.every(isOffered))
      throw new ArgumentError('Cannot take over values: a list of them is wanted');
    const wanted: number[] = [];
    for (const [index, [key, facts]] of values.entries())
      if (this.#keeper.wants(key as string, facts as ValueFacts)) wanted.push(index);
    return { head: wanted };
  }

  #inherit({ key, facts }: Head, body: Aggregate): Message {
    if (!isOffered([key, facts])) throw new ArgumentError('Cannot take over value: it is malformed');
    this.#keeper.inherit(key as string, facts as ValueFacts, body);
    return {};
  }
}

function isOffered(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const [key, facts] = value as unknown[];
  if (typeof facts !== 'object' || facts === null || !areValueFacts(facts as ValueFacts)) return false;
  checkKey(key);
  return true;
}
