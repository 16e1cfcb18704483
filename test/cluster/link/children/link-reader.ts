/**
 * A machine that listens for links, says so, and takes what comes without reading any stream of it: each
 * message is a line. `node link-reader <url> <machine> <endpoint> [options]`
 */
import { joinCluster } from '../../../../src/cluster/join-cluster.ts';

const [servers = '', machine = '', name = '', options = '{}'] = process.argv.slice(2);
const cluster = await joinCluster({ name: 'shop', servers, machine });
const endpoint = await cluster.listen(name, JSON.parse(options));
const say = (line: unknown): unknown => process.stdout.write(`${JSON.stringify(line)}\n`);
say('listening');
for await (const link of endpoint) {
  link.onRequest(() => new Promise<never>(() => {}));
  void (async () => {
    for await (const { head } of link) say(head ?? null);
  })().catch(() => {});
}
