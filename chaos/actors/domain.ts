/**
 * A domain of the topology: makes payloads and sends them to those it is connected to, takes theirs, verifies
 * them, and passes some on. Arguments: its plan as JSON, the run's name, its seed, and which of its lives it
 * is.
 */
import { setTimeout } from 'node:timers/promises';
import { createPool } from '../../src/aggregate/pool.ts';
import type { Channel } from '../../src/ipc/channel.ts';
import { connect } from '../../src/ipc/meet/connect.ts';
import { fork, parentChannel } from '../../src/ipc/meet/fork.ts';
import { listen } from '../../src/ipc/meet/listen.ts';
import { Draw, seedOf } from '../draw.ts';
import type { Cue } from '../lines.ts';
import { LEAST_RECORD_BYTES, makeRecord } from '../payload.ts';
import type { DomainPlan } from '../topology.ts';
import { ActorLine } from './actor-line.ts';
import { DescriptorFill } from './descriptor-fill.ts';
import { isExpected } from './expected.ts';
import { Holder } from './holder.ts';
import { Link } from './link.ts';

const [planText = '', run = '', seedText = '', lifeText = '', isForked = ''] = process.argv.slice(2);
const plan = JSON.parse(planText) as DomainPlan;
const source = seedOf(0, plan.name) >>> 0;
const life = Number(lifeText);
const draw = new Draw(seedOf(Number(seedText), `${plan.name} ${life}`));
const pool = createPool({ name: plan.name, kind: plan.kind, limit: plan.limit });
const line = new ActorLine(plan.name, obey);
const holder = new Holder(line, draw, plan.holds);
const descriptors = new DescriptorFill(line);
const links = new Set<Link>();
/** Those that are to be there, and are. */
const linked = new Set<string>();
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 400;
const GATHERING_TURNS = 200;
let sequence = 0;
let state: 'playing' | 'quiet' | 'resting' = 'playing';

const addressOf = (name: string): string => `@iolite-chaos-${run}-${name}`;

function use(channel: Channel): Link {
  const link = new Link(channel, { line, draw, holder, habits: plan, maker: { make }, forward });
  link.isProducing = () => state === 'playing';
  links.add(link);
  channel.once('close', () => links.delete(link));
  return link;
}

function make() {
  const length = draw.size(LEAST_RECORD_BYTES, plan.longest);
  return makeRecord(pool, length, { source, version: life, sequence: sequence++ });
}

/** Holds all that comes, and so much of its own that its pool is full. */
function hoard(lasts: number): void {
  holder.hoard(lasts);
  try {
    while (state === 'playing') {
      const { body, stamp } = make();
      if (!holder.take(body, [stamp])) return;
    }
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_IOLITE_LIMIT') line.tally.add('full');
    else if (isExpected(error)) line.tally.add('lost');
    else line.trouble(error);
  }
}

function forward(from: Link, body: Parameters<Link['pass']>[0], head: Parameters<Link['pass']>[1]): void {
  const others = [...links].filter(each => each !== from);
  if (state === 'playing' && others.length > 0) void draw.pick(others).pass(body, head);
}

/** Keeps a channel to something open, and opens it anew whenever it has gone. */
async function keep(name: string, open: () => Promise<Channel>): Promise<void> {
  for (let pause = FIRST_PAUSE_MS; state !== 'resting'; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      const channel = await open();
      pause = FIRST_PAUSE_MS;
      const closed = new Promise<void>(resolve => channel.once('close', () => resolve()));
      if (!channel.closed) {
        line.tally.add('connections');
        use(channel);
        linked.add(name);
        await closed;
      }
    } catch (error) {
      if (!isExpected(error)) line.trouble(error);
    } finally {
      linked.delete(name);
    }
    await setTimeout(pause);
  }
}

async function forkChild(child: DomainPlan, lives: number): Promise<Channel> {
  const { channel, process: forked } = await fork(
    new URL('./domain.ts', import.meta.url),
    [JSON.stringify(child), run, seedText, `${life * 1000 + lives}`, 'forked'],
    { stdio: 'pipe', channel: { onWrite: plan.onWrite } },
  );
  forked.stderr?.pipe(process.stderr);
  forked.stdout?.setEncoding('latin1').on('data', text => process.stdout.write(text, 'latin1'));
  forked.stdin?.on('error', () => {});
  line.relays.set(child.name, text => forked.stdin?.write(text));
  return channel;
}

async function obey({ say, lasts = 0 }: Cue): Promise<unknown> {
  switch (say) {
    case 'hoard':
      return hoard(lasts);
    case 'exhaust':
      return descriptors.fill(lasts);
    case 'quiet':
      state = 'quiet';
      descriptors.clear();
      holder.clear();
      return { busy: [...links].reduce((sum, link) => sum + link.busy, holder.size) };
    case 'probe': {
      const answers = await Promise.allSettled([...links].map(link => link.probe()));
      const missing = [...plan.targets, ...plan.forks.map(({ name }) => name)].filter(
        name => !linked.has(name),
      );
      return {
        links: answers.length,
        missing,
        failures: answers.flatMap(each => (each.status === 'rejected' ? [`${each.reason}`] : [])),
      };
    }
    case 'stay':
      state = 'resting';
      return;
    case 'rest':
      await Promise.all([...links].map(({ channel }) => channel.close()));
      await endpoint?.close();
      return;
    case 'look':
      return look();
    default:
      throw new Error(`There is no cue '${say}'`);
  }
}

/** What it says of itself, when it has let go of all it can. */
async function look() {
  for (let turn = 0; turn < GATHERING_TURNS; turn++) {
    globalThis.gc?.();
    pool.trim();
    if (state !== 'resting' || pool.stats().chunks === 0) break;
    await setTimeout(5);
  }
  const imported = [...links].map(({ channel }) => channel.imported.chunks);
  return { name: plan.name, pool: pool.stats(), holders: pool.holders(), imported };
}

const endpoint =
  isForked === '' ? await listen(addressOf(plan.name), { channel: { onWrite: plan.onWrite } }) : undefined;
endpoint?.on('channel', use);
if (isForked !== '') {
  const channel = parentChannel({ onWrite: plan.onWrite });
  channel.once('close', () => {
    if (state !== 'resting') process.exit(0);
  });
  use(channel);
}
line.up();
for (const name of plan.targets) void keep(name, () => connect(addressOf(name), { onWrite: plan.onWrite }));
for (const child of plan.forks) {
  let lives = 0;
  void keep(child.name, () => forkChild(child, lives++));
}
