import { setTimeout } from 'node:timers/promises';
import { disagreements, leftovers, type Statement, sharedWriters, unreturned } from './audit/auditor.ts';
import { type ProcessView, viewOf } from './audit/process-view.ts';
import { type Allowance, excess, type ServerView, serverViewOf } from './audit/server-view.ts';
import { Cast } from './cast.ts';
import type { Script } from './script.ts';
import type { Stage } from './stage.ts';
import { type Fault, type FaultKind, faultText } from './timeline.ts';

const AUDIT_MS = 1000;
/** How often it is told how far the faults are. */
const PROGRESS_MS = 60_000;
/** What befalls somebody later than that is said to. */
const SHORT_DELAY_SECONDS = 0.05;
const QUIET_ROUNDS = 400;
const QUIET_PAUSE_MS = 50;
const PROBE_ROUNDS = 100;
const SETTLING_ROUNDS = 100;
const STILL_ROUNDS = 20;
/** Of a server: 16 MiB are cached, and as much may be in pools of each of its processes. */
const ALLOWANCE: Allowance = { sockets: 16, descriptors: 160, mappedBytes: 128 * 1024 ** 2 };
/** Of a process that was forked: sockets of whoever forked it. */
const STANDARD_STREAMS = 3;

/** Whether it says something of a pool: others have none of their own. */
function isWhole(statement: Partial<Statement>): statement is Statement {
  return statement.pool !== undefined;
}

/** What faults befall that are no processes. */
export type Setting = Pick<Stage, 'exchange' | 'exchangeRoot' | 'fillDisk' | 'squeeze' | 'ease'>;

/** One run, from the first process to the last audit. */
export class Run {
  readonly cast: Cast;
  /** What was done, as lines. */
  readonly done: string[] = [];
  readonly #faults: readonly Fault[];
  readonly #stage: Setting;
  readonly #counts = new Map<FaultKind, number>();
  readonly #tell: (stage: string) => void;
  readonly #striking = (): Promise<void> => this.#strike();
  readonly #stages: readonly (readonly [string, () => Promise<void>])[] = [
    ['everybody comes', () => this.cast.complete()],
    ['faults befall them', this.#striking],
    ['everybody comes back', () => this.#recover()],
    ['nobody has anything to do', () => this.#quieten()],
    ['everybody is asked for an answer', () => this.#probe()],
    ['what they say is compared', () => this.#compare()],
    ['all is closed', () => this.#rest()],
    ['servers end, and begin anew', () => this.#judgeServers()],
  ];
  #audits = 0;

  /** @param tell is told of each stage as it begins, and how far it is */
  constructor({ parts, faults }: Script, stage: Setting, tell: (stage: string) => void) {
    this.cast = new Cast(parts);
    this.#stage = stage;
    this.#faults = faults;
    this.#tell = tell;
  }

  get audits(): number {
    return this.#audits;
  }

  /** How often each kind of fault befell somebody. */
  get faults(): ReadonlyMap<FaultKind, number> {
    return this.#counts;
  }

  /**
   * Everything, one after the other. Findings are in the cast.
   * @param meanwhile what else is done while all have to do, behind the faults
   */
  async play(meanwhile?: () => Promise<void>): Promise<void> {
    const { cast } = this;
    cast.start();
    try {
      for (const [name, stage] of this.#stages) {
        this.#tell(name);
        await stage();
        if (stage === this.#striking) await meanwhile?.();
      }
    } finally {
      await cast.end();
    }
  }

  /** Does what the timeline says, at its times, and looks at the processes meanwhile. */
  async #strike(): Promise<void> {
    const start = performance.now();
    this.cast.begin();
    const audits = setInterval(() => this.#audit(), AUDIT_MS);
    const total = this.#faults.length;
    const progress = setInterval(() => this.#tell(`${this.done.length} of ${total} faults`), PROGRESS_MS);
    try {
      for (const fault of this.#faults) {
        await setTimeout(Math.max(0, start + fault.at - performance.now()));
        const struck = this.#commit(fault);
        if (struck) this.#counts.set(fault.kind, (this.#counts.get(fault.kind) ?? 0) + 1);
        const late = (performance.now() - start - fault.at) / 1000;
        const when = late < SHORT_DELAY_SECONDS ? '' : `, ${late.toFixed(3)} s later`;
        this.done.push(`${faultText(fault)}${when}${struck ? '' : ' (nobody was there)'}`);
      }
    } finally {
      clearInterval(audits);
      clearInterval(progress);
    }
  }

  #commit({ kind, target, lasts }: Fault): boolean {
    const { cast } = this;
    switch (kind) {
      case 'kill':
        return cast.kill(target);
      case 'reload':
        return cast.reload(target);
      case 'exchange':
        this.#stage.exchange(Number(target));
        return true;
      case 'exchange root':
        this.#stage.exchangeRoot();
        return true;
      case 'fill disk':
        this.#stage.fillDisk(lasts);
        return true;
      case 'squeeze':
        this.#stage.squeeze(lasts);
        return true;
      case 'hoard':
      case 'exhaust':
        return cast.pidOf(target) !== undefined && cast.cue(target, kind, lasts);
      default:
        return this.#halt(kind, target, lasts);
    }
  }

  /** Stops a process, for so long or until it is killed. */
  #halt(kind: 'stop' | 'kill stopped', target: string, lasts: number): boolean {
    const { cast } = this;
    const pid = cast.pidOf(target);
    if (!cast.stop(target)) return false;
    void setTimeout(lasts).then(() => {
      // Another one may have its name by now.
      if (cast.pidOf(target) !== pid) return;
      if (kind === 'stop') cast.resume(target);
      else cast.kill(target);
    });
    return true;
  }

  #audit(): void {
    this.#audits += 1;
    const views = this.cast.pids().flatMap(pid => viewOf(pid) ?? []);
    for (const what of sharedWriters(views)) this.cast.find('wrong bytes', 'auditor', what);
  }

  async #recover(): Promise<void> {
    this.#stage.ease();
    this.cast.resumeAll();
    await this.cast.complete();
  }

  /** Until nobody makes, holds, or waits for anything. */
  async #quieten(): Promise<void> {
    let stillCount = 0;
    for (let round = 0; round < QUIET_ROUNDS && stillCount < 3; round++) {
      const answers = await this.cast.askAll('quiet');
      const busy = [...answers.values()].some(answer => (answer as { busy: number } | undefined)?.busy !== 0);
      stillCount = busy ? 0 : stillCount + 1;
      await setTimeout(QUIET_PAUSE_MS);
    }
    if (stillCount < 3) this.cast.find('stuck', 'all', 'it never became quiet');
  }

  /** Whether everybody is connected to whom he is to be, and gets answers. */
  async #probe(): Promise<void> {
    for (let round = 1; ; round++) {
      const answers = (await this.cast.askAll('probe')) as Map<
        string,
        { missing: string[]; failures: string[] } | undefined
      >;
      const faults = [...answers].flatMap(([name, answer]) => [
        ...(answer?.missing ?? []).map(other => [name, `no channel to ${other}`] as const),
        ...(answer?.failures ?? []).map(failure => [name, failure] as const),
      ]);
      if (faults.length === 0) return;
      if (round === PROBE_ROUNDS) {
        for (const [name, what] of faults) this.cast.find('stuck', name, what);
        return;
      }
      await setTimeout(QUIET_PAUSE_MS);
    }
  }

  /** What everybody says of itself against what the kernel says, with all channels open. */
  #compare(): Promise<void> {
    return this.#settle((_, view, statement) => (isWhole(statement) ? disagreements(view, statement) : []));
  }

  /** Closes everything, and looks at what is left. */
  async #rest(): Promise<void> {
    await this.cast.askAll('stay');
    await this.cast.askAll('rest');
    await this.#settle((name, view, statement) => [
      ...leftovers(view, STANDARD_STREAMS * this.cast.broughtBy(name)),
      ...(isWhole(statement) ? unreturned(statement) : []),
    ]);
  }

  /**
   * Servers, whom nobody asks any more: they end as they are told, and have had no more than those that are
   * started then, but for what they keep. First those who ask others.
   */
  async #judgeServers(): Promise<void> {
    if (this.cast.findings.some(({ kind }) => kind === 'stuck')) return;
    const names = this.cast.servers.filter(name => this.cast.broughtBy(name) > 0).reverse();
    const used = new Map<string, ServerView>();
    for (const name of names) {
      used.set(name, await this.#restingServer(name));
      await this.cast.finish(name);
    }
    await this.cast.restart(names);
    for (const name of names) {
      const fresh = await this.#restingServer(name);
      for (const what of excess(used.get(name) as ServerView, fresh, ALLOWANCE))
        this.cast.find('leaked', name, what);
      await this.cast.finish(name);
    }
  }

  /** A server as it is when all its processes are there, and nothing has ended for a while. */
  async #restingServer(name: string): Promise<ServerView> {
    let last = '';
    for (let stillCount = 0, round = 0; ; round++) {
      const view = serverViewOf(this.cast.pidsOf(name).flatMap(pid => viewOf(pid) ?? []));
      const text = JSON.stringify(view);
      stillCount = text === last && view.processes > this.cast.broughtBy(name) ? stillCount + 1 : 0;
      if (stillCount === STILL_ROUNDS || round === SETTLING_ROUNDS) return view;
      last = text;
      await setTimeout(QUIET_PAUSE_MS);
    }
  }

  /** Looks at everybody until nothing is found, for what is closed goes with the garbage; or says what is. */
  async #settle(look: (name: string, view: ProcessView, statement: Statement) => string[]): Promise<void> {
    if (this.cast.findings.some(({ kind }) => kind === 'stuck')) return;
    for (let round = 1; ; round++) {
      const found = [...(await this.cast.askAll('look'))].flatMap(([name, statement]) => {
        const view = viewOf(this.cast.pidOf(name) ?? 0);
        if (view === undefined) return [[name, 'it is gone'] as const];
        return statement === undefined
          ? []
          : look(name, view, statement as Statement).map(what => [name, what] as const);
      });
      if (found.length === 0) return;
      if (round === SETTLING_ROUNDS) {
        for (const [name, what] of found) this.cast.find('leaked', name, what);
        return;
      }
      await setTimeout(QUIET_PAUSE_MS);
    }
  }
}
