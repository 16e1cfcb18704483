import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { Actor, type Audience, type Part } from './actor.ts';
import type { Told } from './lines.ts';
import { Tally } from './tally.ts';

/** How long one that is neither dead nor stopped may take for an answer. */
const ANSWER_MS = 90_000;
const UP_MS = 180_000;
/** How long a server may take to end that nobody asks anything. */
const FINISH_MS = 30_000;
const LOOK_MS = 20;

/** What went wrong: all that ought not to be, whatever happens. */
export interface Finding {
  readonly kind: 'wrong bytes' | 'stuck' | 'leaked' | 'fell' | 'trouble';
  readonly who: string;
  readonly what: string;
  /** Seconds after the beginning. */
  readonly at: number;
}

interface Member {
  readonly name: string;
  /** Whose process it is, or whose child. */
  readonly actor: Actor;
  /** Undefined until it says that it is there. */
  pid: number | undefined;
}

/** All processes that take part. */
export class Cast implements Audience {
  readonly tally = new Tally();
  readonly findings: Finding[] = [];
  readonly #actors: readonly Actor[];
  readonly #members = new Map<string, Member>();
  readonly #answers = new Map<number, (answer: unknown) => void>();
  readonly #stopped = new Set<number>();
  #start = performance.now();
  #cues = 0;
  #deaths = 0;
  #stops = 0;

  constructor(parts: readonly Part[]) {
    this.#actors = parts.map(part => new Actor(part, this));
    for (const actor of this.#actors) {
      for (const name of [actor.part.name, ...actor.part.brings])
        this.#members.set(name, { name, actor, pid: undefined });
    }
  }

  /** Processes that were killed, and how often one was stopped. */
  get deaths(): number {
    return this.#deaths;
  }

  get stops(): number {
    return this.#stops;
  }

  /** Those who can be asked. */
  get names(): string[] {
    return [...this.#members.values()].filter(({ actor }) => actor.part.speaks).map(({ name }) => name);
  }

  /** Servers, which cannot: ours, and NATS. */
  get servers(): string[] {
    return this.#actors.filter(({ part }) => !part.speaks).map(({ part }) => part.name);
  }

  /** From now on times count, as they do in the timeline. */
  begin(): void {
    this.#start = performance.now();
  }

  start(): void {
    for (const actor of this.#actors) actor.start();
  }

  pidOf(name: string): number | undefined {
    const member = this.#members.get(name);
    if (member === undefined || member.actor.part.speaks || name === member.actor.part.name)
      return member?.pid;
    // The workers and applications of a server, as they are now.
    const server = this.pidOf(member.actor.part.name);
    return server === undefined ? undefined : childrenOf(server)[member.actor.part.brings.indexOf(name)];
  }

  /** How many it starts itself. */
  broughtBy(name: string): number {
    const { actor } = this.#members.get(name) ?? {};
    return actor?.part.name === name ? actor.part.brings.length : 0;
  }

  /** Processes that live and said so. */
  pids(): number[] {
    return [...this.#members.values()].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  /** The same, with the workers and applications of servers. */
  allPids(): number[] {
    const servers = this.servers.flatMap(name => this.pidOf(name) ?? []);
    return [...this.pids(), ...servers.flatMap(pid => childrenOf(pid))];
  }

  /** SIGKILL. @returns whether somebody was there */
  kill(name: string): boolean {
    const member = this.#members.get(name);
    const pid = this.pidOf(name);
    if (member === undefined || pid === undefined) return false;
    const { part } = member.actor;
    const isOwn = name === part.name;
    // Whom it has started ends with it, and is not to be kept from that.
    if (isOwn) for (const child of part.speaks ? [] : childrenOf(pid)) this.#continue(child);
    if (isOwn) for (const child of part.brings) this.#gone(child);
    this.#stopped.delete(pid);
    if (isOwn ? !member.actor.kill() : !sent(pid, 'SIGKILL')) return false;
    this.#deaths += 1;
    member.pid = undefined;
    return true;
  }

  /** SIGSTOP. @returns whether somebody was there, who ran */
  stop(name: string): boolean {
    const pid = this.pidOf(name);
    if (pid === undefined || this.#stopped.has(pid) || !sent(pid, 'SIGSTOP')) return false;
    this.#stopped.add(pid);
    this.#stops += 1;
    return true;
  }

  /** SIGCONT. */
  resume(name: string): void {
    const pid = this.pidOf(name);
    if (pid !== undefined) this.#continue(pid);
  }

  resumeAll(): void {
    for (const pid of [...this.#stopped]) this.#continue(pid);
  }

  /** SIGHUP. @returns whether somebody was there */
  reload(name: string): boolean {
    const pid = this.pidOf(name);
    return pid !== undefined && sent(pid, 'SIGHUP');
  }

  /** A cue whose answer nobody waits for. @returns whether there is such a one */
  cue(name: string, say: string, lasts = 0): boolean {
    this.#members.get(name)?.actor.cue({ to: name, id: 0, say, lasts });
    return this.#members.has(name);
  }

  /** Undefined when none came in time: it is stuck. */
  async ask(name: string, say: string): Promise<unknown> {
    const id = ++this.#cues;
    const answer = new Promise<unknown>(resolve => this.#answers.set(id, resolve));
    this.#members.get(name)?.actor.cue({ to: name, id, say });
    const late = new AbortController();
    try {
      return await Promise.race([
        answer,
        setTimeout(ANSWER_MS, undefined, { signal: late.signal }).then(() => {
          this.find('stuck', name, `no answer to '${say}' in ${ANSWER_MS} ms`);
        }),
      ]);
    } finally {
      late.abort();
      this.#answers.delete(id);
    }
  }

  async askAll(say: string): Promise<Map<string, unknown>> {
    const answers = await Promise.all(
      this.names.map(async name => [name, await this.ask(name, say)] as const),
    );
    return new Map(answers);
  }

  /** Waits until everybody is there. Says who is not. */
  async complete(): Promise<void> {
    const limit = performance.now() + UP_MS;
    for (;;) {
      const missing = [...this.servers, ...this.names].filter(
        name => this.#members.get(name)?.pid === undefined,
      );
      if (missing.length === 0) return;
      if (performance.now() > limit) {
        for (const name of missing) this.find('stuck', name, `it was not there after ${UP_MS} ms`);
        return;
      }
      await setTimeout(LOOK_MS);
    }
  }

  find(kind: Finding['kind'], who: string, what: string): void {
    this.findings.push({ kind, who, what, at: (performance.now() - this.#start) / 1000 });
  }

  told(what: Told): void {
    const member = this.#members.get(what.from);
    switch (what.is) {
      case 'up':
        if (member !== undefined) member.pid = what.pid;
        return;
      case 'tally':
        return this.tally.merge(what.counts);
      case 'answer':
        return this.#answers.get(what.id)?.(what.answer);
      case 'wrong':
        return this.find('wrong bytes', what.from, what.what);
      default:
        return this.find('trouble', what.from, what.what);
    }
  }

  fell(name: string, how: string): void {
    this.find('fell', name, how);
    this.#gone(name);
  }

  /** The processes of a server: its own first. */
  pidsOf(server: string): number[] {
    const pid = this.pidOf(server);
    return pid === undefined ? [] : [pid, ...childrenOf(pid)];
  }

  /** Has a server end as an operator does. Says if it does not, or not well, or leaves somebody. */
  async finish(server: string): Promise<void> {
    const member = this.#members.get(server);
    if (member === undefined) return;
    const pids = this.pidsOf(server);
    const how = await member.actor.finish(FINISH_MS);
    if (how === undefined) this.find('stuck', server, `it lives ${FINISH_MS} ms after SIGTERM`);
    else if (how !== '0') this.find('trouble', server, `it was to end with 0 at SIGTERM: ${how}`);
    member.pid = undefined;
    const left = pids.filter(pid => sent(pid, 0));
    if (how !== undefined && left.length > 0)
      this.find('leaked', server, `processes ${left.join(', ')} are left behind it`);
  }

  /** Starts servers that have finished, and waits until they are there. */
  async restart(servers: readonly string[]): Promise<void> {
    for (const server of servers) this.#members.get(server)?.actor.restart();
    await this.complete();
  }

  /** Ends all of them for good. */
  async end(): Promise<void> {
    // One that is stopped does not see that whoever started it is gone.
    this.resumeAll();
    await Promise.all(this.#actors.map(actor => actor.end()));
  }

  #gone(name: string): void {
    const member = this.#members.get(name);
    if (member?.pid === undefined) return;
    this.#continue(member.pid);
    member.pid = undefined;
  }

  #continue(pid: number): void {
    if (this.#stopped.delete(pid)) sent(pid, 'SIGCONT');
  }
}

/** Processes that one has started, the oldest first. */
function childrenOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
    return children
      .split(' ')
      .filter(Boolean)
      .map(Number)
      .sort((a, b) => a - b);
  } catch {
    return [];
  }
}

function sent(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
