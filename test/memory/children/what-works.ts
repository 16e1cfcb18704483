/** Tries what works in this process, and writes it to stdout as JSON. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPool } from '../../../src/aggregate/pool.ts';
import { createFileCache } from '../../../src/file/cache/owned-cache.ts';
import { openFile } from '../../../src/file/open/open-file.ts';
import { connect } from '../../../src/ipc/meet/connect.ts';

interface Refusal {
  readonly code: string | undefined;
  readonly message: string;
  readonly cause: string | undefined;
}

/**
 * @param path of a file to be made @param endpoint that answers with a body of shared memory, and 'answer' to
 *   what has a head
 */
export async function tellWhatWorks(path: string, endpoint: string): Promise<void> {
  using pool = createPool();
  const told = {
    memory: pool.chunks.memory,
    ...texts(),
    ...(await files(path)),
    refused: await refusal(async () => createPool({ memory: 'shared' })),
    sent: await refusal(async () => {
      await using channel = await connect(endpoint);
      using body = pool.from('text');
      await channel.send({ body });
    }),
    received: await refusal(async () => {
      const channel = await connect(endpoint);
      const closed = new Promise<Error | undefined>(resolve => channel.once('close', resolve));
      channel.request({}).then(
        ({ body }) => {
          body?.release();
          return channel.close();
        },
        () => {},
      );
      const error = await closed;
      if (error !== undefined) throw error;
    }),
    answered: await answerOf(endpoint),
  };
  process.stdout.write(JSON.stringify(told), () => process.exit(0));
}

/** Bodies of all kinds. */
function texts(): Record<string, string> {
  const told: Record<string, string> = {};
  for (const kind of ['recycle', 'protect', 'seal'] as const) {
    using pool = createPool({ kind });
    using body = pool.from(kind);
    told[kind] = body.toString();
  }
  return told;
}

async function files(path: string): Promise<Record<string, string>> {
  writeFileSync(path, 'a file');
  using cache = createFileCache({ budget: 1024 ** 2 });
  using read = await cache.read(path);
  const root = `${path}.root`;
  mkdirSync(root);
  writeFileSync(join(root, 'inside'), 'inside');
  symlinkSync('inside', join(root, 'link'));
  symlinkSync(path, join(root, 'leaving'));
  using inside = await cache.snapshot(join(root, 'link'), { root });
  const leaving = await refusal(() => cache.snapshot(join(root, 'leaving'), { root }));
  const file = await openFile(path, 'r+');
  using part = await file.read(2, 6);
  const told = {
    read: read.toString(),
    inside: inside.content?.toString() ?? '',
    leaving: leaving?.code ?? '',
    part: part.toString(),
  };
  await file.close();
  return { ...told, written: await written(path, 'w'), made: await written(`${path}.new`, 'wx') };
}

async function written(path: string, flags: 'w' | 'wx'): Promise<string> {
  const file = await openFile(path, flags);
  using pool = createPool();
  using body = pool.from(flags);
  await file.append(body);
  await file.close();
  const again = await openFile(path, 'r');
  using text = await again.read(0, 2);
  await again.close();
  return text.toString();
}

/** A message without a body crosses between processes all the same. */
async function answerOf(endpoint: string): Promise<unknown> {
  await using channel = await connect(endpoint);
  return (await channel.request({ head: 'no body' })).head;
}

async function refusal(attempt: () => Promise<unknown>): Promise<Refusal | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    const { code, message, cause } = error as NodeJS.ErrnoException;
    return { code, message, cause: (cause as NodeJS.ErrnoException | undefined)?.code };
  }
}
