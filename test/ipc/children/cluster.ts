/** A cluster: the primary sends a buffer to three workers by reference, and says what they made of it. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createPool } from '../../../src/aggregate/pool.ts';
import { connect } from '../../../src/ipc/meet/connect.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { forkWorker } from '../../../src/ipc/meet/fork-worker.ts';
import { listen } from '../../../src/ipc/meet/listen.ts';

const say = (what: unknown): void => void process.stdout.write(`${JSON.stringify(what)}\n`);

if (cluster.isPrimary) {
  process.stdin.on('close', () => process.exit()).resume();
  const pool = createPool();
  const forked = await Promise.all([1, 2, 3].map(n => forkWorker({ env: { NUMBER: String(n) } })));
  using body = pool.from('x'.repeat(1024 ** 2));
  const answers = await Promise.all(
    forked.map(async ({ channel, worker }) => {
      const answer = await channel.request({ body });
      using own = answer.body!;
      const { head } = answer;
      return { head, own: own.toString(), peerIsWorker: channel.peer.pid === worker.process.pid };
    }),
  );
  say(answers);
  say(pool.stats().chunks);
  const [first, ...others] = forked;
  const died = once(first!.channel, 'close');
  first!.worker.process.kill('SIGKILL');
  say(((await died)[0] as { code?: string }).code);
  const rest = others.map(async ({ channel, worker }) => {
    const exited = once(worker, 'exit');
    await channel.close();
    worker.disconnect();
    return (await exited)[0];
  });
  say(await Promise.all(rest));
  const unwilling = forkWorker({ env: { NUMBER: '0' } });
  say(await unwilling.catch(error => [error.code, error.message]));
  process.exit();
} else if (process.env.NUMBER === '0') {
  process.exit(9);
} else {
  const pool = createPool();
  // What a worker listens on is its own, and not shared with the others.
  await using endpoint = await listen(`@iolite-cluster-${process.pid}`);
  endpoint.on('channel', channel => channel.onRequest(() => ({ head: process.pid })));
  await using own = await connect(endpoint.path);
  const { head: listener } = await own.request({});
  const channel = parentChannel();
  channel.onRequest(({ body }) => {
    using text = body!;
    const head = {
      number: process.env.NUMBER,
      length: text.length,
      ownEndpoint: listener === process.pid,
      parentIsPrimary: channel.peer.pid === process.ppid,
    };
    return { head, body: pool.from(`worker ${process.env.NUMBER}`) };
  });
  await once(channel, 'close');
}
