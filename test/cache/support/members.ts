import { randomBytes } from 'node:crypto';
import { Program } from '../../support/program.ts';

const MEMBER = new URL('../children/member.ts', import.meta.url);

/** A process that shares a cache. */
export class Member extends Program {
  /** Has it do something. @throws the code of what it failed with */
  async do(act: string, ...given: unknown[]): Promise<unknown> {
    const { value, error } = (await this.ask([act, ...given])) as { value?: unknown; error?: string };
    if (error !== undefined) throw Object.assign(new Error(`${act} failed with ${error}`), { code: error });
    return value;
  }
}

/** Processes that share one cache. The first that is ready owns it. */
export class Members {
  readonly name = `test-${randomBytes(8).toString('hex')}`;
  readonly #options: object;
  readonly #all: Member[] = [];

  constructor(options: object = {}) {
    this.#options = { budget: 16 * 1024 ** 2, govern: false, ...options };
  }

  /** Starts one, and waits until it is attached or the owner. */
  async start(): Promise<Member> {
    const member = new Member(MEMBER, [this.name, JSON.stringify(this.#options)]);
    this.#all.push(member);
    await member.do('ready');
    return member;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.#all) await member[Symbol.asyncDispose]();
  }
}
