/**
 * Reads files of support/versioned.ts through an attached cache, over and over, and checks each content and
 * their order. Argument: nothing, for the parent's cache; or the path of an endpoint, where it attaches anew
 * whenever its owner is gone.
 */
import { setTimeout } from 'node:timers/promises';
import type { Aggregate } from '../../../src/aggregate/aggregate.ts';
import { type AttachedFileCache, attachFileCache } from '../../../src/file/cache/attached-cache.ts';
import type { Channel } from '../../../src/ipc/channel.ts';
import { connect } from '../../../src/ipc/meet/connect.ts';
import { parentChannel } from '../../../src/ipc/meet/fork.ts';
import { mayFollow, type Place, placeOf } from '../support/versioned.ts';

const [, , endpoint] = process.argv;
const parent = parentChannel();
const places = new Map<string, Place>();
const problems: string[] = [];
const codes: Record<string, number> = {};
let reads = 0;
let detached = 0;
let attaching: Promise<void> | undefined;

async function attach(): Promise<AttachedFileCache> {
  if (endpoint === undefined) return attachFileCache(parent);
  const attached = await attachFileCache(await connectToOwner(endpoint));
  attached.on('detached', () => {
    detached += 1;
    attaching = (async () => {
      while (true) {
        try {
          await attached.attach(await connectToOwner(endpoint));
          return;
        } catch {
          // It died meanwhile.
        }
      }
    })();
  });
  return attached;
}

/** Connects as soon as somebody listens. */
async function connectToOwner(path: string): Promise<Channel> {
  for (;;) {
    try {
      return await connect(path);
    } catch {
      await setTimeout(5);
    }
  }
}

const cache = await attach();

function check(path: string, content: Aggregate): void {
  reads += 1;
  try {
    const place = placeOf(content.toBuffer());
    const last = places.get(path);
    if (place === undefined) return;
    if (last !== undefined && !mayFollow(place, last)) {
      problems.push(`${path} went from ${JSON.stringify(last)} back to ${JSON.stringify(place)}`);
    }
    places.set(path, place);
  } catch (error) {
    problems.push(`${path} is wrong: ${(error as Error).message}`);
  }
}

async function readOne(path: string): Promise<void> {
  try {
    using snapshot = cache.peek(path);
    using content = await (snapshot?.read() ?? cache.read(path));
    check(path, content);
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    codes[code] = (codes[code] ?? 0) + 1;
  }
}

let running: Promise<void> | undefined;
let stopped = false;

/** Reads until it is told to stop, and so many times at least, however little time it had. */
const LEAST_READS = 101;

async function run(paths: readonly string[]): Promise<void> {
  while (!stopped || reads < LEAST_READS) {
    await readOne(paths[Math.floor(Math.random() * paths.length)] as string);
    // Leaves the processor to the others, who read and write as well.
    if (reads % 10 === 0) await setTimeout(1);
  }
}

parent.onRequest(async ({ head }) => {
  const { start } = head as { start?: string[] };
  if (start !== undefined) {
    running = run(start);
    return {};
  }
  stopped = true;
  await running;
  await attaching;
  const { hits } = cache.stats();
  const report = {
    reads,
    detached,
    problems: problems.slice(0, 5),
    codes,
    hits,
    attached: cache.stats().attached,
  };
  cache.close();
  return { head: report };
});
