/**
 * Two "machines" of four workers each in front of one slow origin, as one cache: a load, a purge, a machine
 * that dies and one that joins. `npm run demo:cluster [-- <seconds a step>]`; `--port` of the page with the
 * inspectors. Needs nats-server on this machine (Debian: `apt-get install nats-server`).
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { joinCluster } from 'iolite/cluster';
import { Load } from './load.mjs';
import { Machine } from './machine.mjs';
import { freePort, startNats } from './nats.mjs';
import { Origin, sectionOf } from './origin.mjs';
import { SideBySide } from './side-by-side.mjs';

const PAGES = 2000;
const WORKERS = 4;
const NAME = 'demonstration';

const { values, positionals } = parseArgs({ options: { port: { type: 'string' } }, allowPositionals: true });
const seconds = Number(positionals[0] ?? 10);

/** What is to be undone at the end, the last thing first. */
const undo = [];
const folder = mkdtempSync(join(tmpdir(), 'iolite-cluster-'));
undo.push(() => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await end();
    process.kill(process.pid, signal);
  });
}

async function end() {
  for (const each of undo.splice(0).reverse()) await each();
}

/** Lets some time go by, and tells of each second. @returns answers that were too old */
async function watch(lanes, origin) {
  let stale = 0;
  for (let second = 0; second < seconds; second++) {
    const before = origin.asked;
    await setTimeout(1000);
    const told = lanes.map(({ load, machine }) => {
      const counts = load.take();
      stale += counts.stale;
      const kept = counts.answers === 0 ? '-' : `${Math.round((100 * counts.hits) / counts.answers)} %`;
      const failed = counts.errors === 0 ? '' : `, ${counts.errors} failed`;
      const memory = Math.round(machine.memory());
      return `${machine.name}: ${counts.answers}/s, ${kept} kept, ${memory} MiB${failed}`;
    });
    console.log(`  ${told.join(' | ')} | the origin is asked ${origin.asked - before}/s`);
  }
  return stale;
}

async function run() {
  const origin = new Origin();
  await origin.listen();
  undo.push(() => origin.close());
  const nats = await startNats(folder);
  undo.push(() => nats[Symbol.dispose]());
  const inspectors = new SideBySide();
  await inspectors.listen(Number(values.port ?? 0));
  undo.push(() => inspectors.close());

  const secret = randomUUID();

  async function start(name) {
    const advertise = `http://127.0.0.1:${await freePort()}`;
    const cluster = { name: NAME, servers: [nats.url], machine: name, secret, advertise };
    const machine = await Machine.start(name, folder, {
      origin: origin.url,
      workers: WORKERS,
      budget: 64,
      cluster,
    });
    undo.push(() => machine.kill());
    await inspectors.add(machine);
    return machine;
  }

  console.log(`Two machines of ${WORKERS} workers each, before an origin that takes 20 ms for a page:`);
  const [a, b] = await Promise.all([start('a'), start('b')]);
  console.log(`  a at http://127.0.0.1:${a.port}/page/1, b at http://127.0.0.1:${b.port}/page/1`);
  console.log(`  Their inspectors beside each other: ${inspectors.url}`);
  const lanes = [a, b].map(machine => ({ machine, load: new Load(machine, PAGES) }));
  undo.push(() => Promise.all(lanes.map(({ load }) => load.end())));
  let stale = await watch(lanes, origin);

  console.log('A section of the site changes, and is purged on both:');
  const section = sectionOf(1);
  const version = origin.change(section);
  const cluster = await joinCluster({ name: NAME, servers: [nats.url] });
  undo.push(() => cluster.close());
  const begin = performance.now();
  const { sequence } = await cluster.invalidate({ groups: [section], mode: 'drop' });
  await cluster.applied(sequence);
  for (const { load } of lanes) load.expect(section, version);
  const took = Math.round(performance.now() - begin);
  console.log(`  all workers of both machines had forgotten it after ${took} ms`);
  stale += await watch(lanes, origin);

  console.log('Machine b dies, and its clients go to a:');
  lanes[1].load.turnTo(a);
  lanes[1].machine = a;
  await b.kill();
  inspectors.remove(b);
  stale += await watch(lanes, origin);

  console.log('Machine c joins, and gets from a what a owns, rather than from the origin:');
  const c = await start('c');
  lanes[1].load.turnTo(c);
  lanes[1].machine = c;
  stale += await watch(lanes, origin);

  console.log(
    `${stale} answers were older than the purge. The origin was asked ${origin.asked} times in all.`,
  );
  process.exitCode = stale === 0 ? 0 : 1;
}

try {
  await run();
} finally {
  await end();
}
