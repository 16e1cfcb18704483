/**
 * A machine: its place in a cluster, and a proxy that clients ask at the port of its first line. Another line
 * when it knows of as many machines as there are to be.
 * `node shop-machine <nats> <cluster> <machine> <advertise> <origin> <machines>`
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { joinCluster } from '../../../../src/cluster/join-cluster.ts';
import { handle, serverRequest } from '../../../../src/http/node/node-adapter.ts';
import { createProxy } from '../../../../src/http/proxy/proxy.ts';

const [servers = '', name = '', machine = '', advertise = '', origin = '', count = ''] =
  process.argv.slice(2);
const say = (line: unknown): unknown => process.stdout.write(`${JSON.stringify(line)}\n`);
const place = { name, servers, machine, advertise, secret: '0123456789abcdef', complain: () => {} };
const cluster = await joinCluster(place);
const proxy = createProxy({ origin, cluster, collapse: 'cluster', host: 'shop.example', warm: 0 });
const front = createServer((request, response) => void handle(proxy, serverRequest(request), response));
await once(front.listen(0, '127.0.0.1'), 'listening');
say((front.address() as AddressInfo).port);
while (cluster.machines().length < Number(count)) await setTimeout(10);
say('all');
