/**
 * A small program as users write them: a server of a directory's files from a cache of its own, with what
 * iolite does by default. Says its port on a line; a line of input has it say what the cache's figures are.
 * Plain JavaScript, of dist/: what translates TypeScript would take as much memory as the program.
 */
import { createInterface } from 'node:readline';
import { createFileCache, createServer } from '../../../dist/index.js';

const [root, options = '{}'] = process.argv.slice(2);
const cache = createFileCache(JSON.parse(options));
const server = createServer({ root, cache });
await server.listen(0, '127.0.0.1');
console.log(JSON.stringify({ port: server.address().port }));
for await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify(cache.stats()));
await server.close();
cache.close();
