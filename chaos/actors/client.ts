/**
 * A client of the servers, on all lanes: files, and what the application makes, both through the proxy too;
 * whole, in ranges, broken off; and uploads that come back. Arguments: the plan of the stage, its name, and
 * which of its lives it is.
 */
import { setTimeout } from 'node:timers/promises';
import { Draw, seedOf } from '../draw.ts';
import { Floors } from '../floors.ts';
import { latencyClass } from '../latencies.ts';
import type { Cue } from '../lines.ts';
import { fillRecord, LEAST_RECORD_BYTES, recordFault, stampIn } from '../payload.ts';
import { APP_SOURCE, FILES, fileName, floorsOf, type StagePlan } from '../stage.ts';
import { ActorLine } from './actor-line.ts';
import { type Answered, http1Lane, http2Lane, type Lane } from './lanes.ts';

const [planText = '', name = '', life = ''] = process.argv.slice(2);
const plan = JSON.parse(planText) as StagePlan;
const draw = new Draw(seedOf(plan.seed, `${name} ${life}`));
const floors = new Floors(floorsOf(plan));
const line = new ActorLine(name, obey);
const MEAN_PAUSE_MS = 25;
const ASK_MS = 15_000;
const PROBE_MS = 25_000;
const LONGEST_BYTES = 1024 ** 2;
const LOOPS = 2;
const OK = 0xc8;
const PARTIAL = 0xce;
const lanes: Lane[] = [http1Lane('HTTP/1', `http://127.0.0.1:${plan.ports?.web}`)];
if (plan.ports?.edge !== undefined) {
  const edge = `https://127.0.0.1:${plan.ports.edge}`;
  lanes.push(http1Lane('HTTPS', edge), http2Lane('HTTP/2', edge));
}
let isPlaying = true;
let busy = 0;

const WAYS = { file: 5, ranges: 1, make: 3, upload: 1, drop: 0.7 };
type Way = keyof typeof WAYS;

/** Asks once. @returns whether it came, and was right */
async function act(lane: Lane, way: Way, signal: AbortSignal): Promise<boolean> {
  switch (way) {
    case 'file':
    case 'drop': {
      const index = draw.integer(0, FILES - 1);
      const floor = lane.name === 'HTTP/1' ? floors.of(index) : 0;
      const asked = { path: `/${fileName(index)}`, method: 'GET', drops: way === 'drop' } as const;
      return isRight(lane, way, await lane.ask(asked, signal), index, floor);
    }
    case 'ranges':
      return inRanges(lane, draw.integer(0, FILES - 1), signal);
    case 'make': {
      const [kind, length] = [draw.integer(0, 7), draw.size(LEAST_RECORD_BYTES, LONGEST_BYTES)];
      // Few of them: so that the proxy is asked again for what it has.
      const asked = kind % 2 === 0 ? 1000 * (kind + 1) : length;
      const answer = await lane.ask({ path: `/make/${kind}/${asked}`, method: 'GET' }, signal);
      if (answer.status === OK && answer.body.length !== asked)
        line.wrong(`${lane.name} make: ${answer.body.length} bytes in place of ${asked}`);
      return isRight(lane, way, answer, APP_SOURCE + kind, 0);
    }
    default:
      return upload(lane, signal);
  }
}

async function inRanges(lane: Lane, index: number, signal: AbortSignal): Promise<boolean> {
  const asked = { path: `/${fileName(index)}`, method: 'GET' } as const;
  const first = await lane.ask({ ...asked, headers: { range: 'bytes=0-9999' } }, signal);
  if (first.status !== PARTIAL) return isRight(lane, 'ranges', first, index, 0);
  // A short file is all in the first one: there is nothing behind it to ask for.
  if (`${first.headers['content-range']}`.endsWith(`/${first.body.length}`))
    return isRight(lane, 'ranges', { ...first, status: OK }, index, 0);
  const headers = { range: 'bytes=10000-', 'if-range': `${first.headers.etag}` };
  const second = await lane.ask({ ...asked, headers }, signal);
  if (second.status !== PARTIAL) return isRight(lane, 'ranges', second, index, 0);
  const body = Buffer.concat([first.body, second.body]);
  return isRight(lane, 'ranges', { ...second, status: OK, body }, index, 0);
}

async function upload(lane: Lane, signal: AbortSignal): Promise<boolean> {
  const body = Buffer.alloc(draw.size(LEAST_RECORD_BYTES, LONGEST_BYTES));
  fillRecord(body, { source: APP_SOURCE, version: Number(life), sequence: draw.integer(0, 2 ** 30) });
  const answer = await lane.ask({ path: '/back', method: 'POST', body }, signal);
  if (answer.status === OK && !answer.body.equals(body))
    line.wrong(`${lane.name} upload: it came back otherwise`);
  return isRight(lane, 'upload', answer, APP_SOURCE, 0);
}

/** A whole answer that says it is right has to be. */
function isRight(lane: Lane, way: Way, { status, body }: Answered, source: number, floor: number): boolean {
  line.tally.add(`statuses:${lane.name} ${status}`);
  if (status !== OK) return false;
  const stamp = stampIn(body);
  const fault = stamp === undefined ? `${body.length} bytes` : recordFault([body], stamp);
  if (stamp === undefined || fault !== undefined || stamp.source !== source || stamp.version < floor) {
    const wanted = `${source}, of which ${floor} is the oldest`;
    const other = `version ${stamp?.version} of ${stamp?.source} in place of ${wanted}`;
    line.wrong(`${lane.name} ${way}: ${fault ?? other}`);
    return true;
  }
  line.tally.add('bytesVerified', body.length);
  line.tally.add('payloads');
  line.tally.add(`requests:${lane.name} ${way}`);
  return true;
}

async function play(lane: Lane): Promise<void> {
  for (;;) {
    await setTimeout(Math.min(500, draw.wait(MEAN_PAUSE_MS)));
    if (!isPlaying) continue;
    busy += 1;
    const start = performance.now();
    try {
      await act(lane, draw.weighted(WAYS), AbortSignal.timeout(ASK_MS));
    } catch {
      // Whatever dies takes connections along.
      line.tally.add('lost');
    } finally {
      line.tally.add(`latency:${latencyClass(performance.now() - start)}`);
      busy -= 1;
    }
  }
}

/** Every lane and way has to come right, now that nothing dies. */
async function probe(): Promise<string[]> {
  const late = AbortSignal.timeout(PROBE_MS);
  const failures: string[] = [];
  for (const lane of lanes) {
    for (const way of ['file', 'ranges', 'make', 'upload'] as const) {
      const failed = await act(lane, way, late).then(
        right => (right ? undefined : 'an answer that is none'),
        (error: Error) => `${error.message}`,
      );
      if (failed !== undefined) failures.push(`${lane.name} ${way}: ${failed}`);
    }
  }
  return failures;
}

async function obey({ say }: Cue): Promise<unknown> {
  if (say === 'quiet') {
    isPlaying = false;
    return { busy };
  }
  if (say === 'probe') return { missing: [], failures: await probe() };
  if (say === 'rest') for (const lane of lanes) lane.close();
  if (say === 'look') return { name };
  return undefined;
}

line.up();
for (const lane of lanes) for (let loop = 0; loop < LOOPS; loop++) void play(lane);
