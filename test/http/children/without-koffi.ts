/** A server where libc cannot be called: koffi is not to be had. Says what clients get. */
import { once } from 'node:events';
import { createServer as createNodeServer } from 'node:http';
import Module from 'node:module';
import type { AddressInfo } from 'node:net';

const loader = Module as unknown as { _load(name: string, ...rest: unknown[]): unknown };
const load = loader._load;
loader._load = (name, ...rest) => {
  if (name === 'koffi') throw new Error('no such module: koffi');
  return Reflect.apply(load, loader, [name, ...rest]);
};

const [, , root = ''] = process.argv;
const { attachFastLane, createFileCache, createServer, createSite, sharedMemoryIsSupported } = await import(
  '../support/without-koffi.ts'
);

async function ask(port: number, headers: Record<string, string> = {}): Promise<[number, number]> {
  const response = await fetch(`http://127.0.0.1:${port}/large.bin`, { headers });
  return [response.status, (await response.arrayBuffer()).byteLength];
}

const said: unknown[] = [sharedMemoryIsSupported()];
const server = createServer({ root });
await server.listen(0, '127.0.0.1');
const port = server.address()?.port ?? 0;
said.push(await ask(port), await ask(port), await ask(port, { Range: 'bytes=0-9' }));
await server.close();

const cache = createFileCache({ budget: 1 << 24 });
const others = createNodeServer((_request, response) => response.writeHead(418).end());
attachFastLane(others, createSite(root, { cache }));
others.listen(0, '127.0.0.1');
await once(others, 'listening');
said.push(await ask((others.address() as AddressInfo).port));
others.close().closeAllConnections();
cache.close();
console.log(JSON.stringify(said));
