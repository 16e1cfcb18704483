import type { AnswerFigures } from './answer-metrics.ts';
import { readChunkFiles, readProcessMemory } from './smaps.ts';

/** A process to report on. */
export interface ObservedProcess {
  /** What it does in the server. */
  readonly role: string;
  /** Its number. */
  readonly pid: number;
  /** What it has answered. */
  readonly figures: AnswerFigures;
}

/** What is asked of a status besides the processes' memory. */
export interface StatusInput {
  /** Those that are to be looked at. */
  readonly processes: readonly ObservedProcess[];
  /** Files in the cache, and the bytes of their content. */
  readonly files: number;
  /** Bytes of content. */
  readonly dataBytes: number;
  /** How many processes serve the data. */
  readonly servers: number;
}

/** What the page at `/_iolite` shows. Bytes unless said otherwise. */
export type Status = {
  /** When it was measured, ISO 8601. */
  readonly time: string;
  /** Those that still were there. */
  readonly processes: readonly ({
    readonly role: string;
    readonly pid: number;
    /** Address space that maps the cache. */
    readonly mapped: number;
    /** Proportional set size of that, and of the whole process. */
    readonly chunkPss: number;
    readonly pss: number;
  } & AnswerFigures)[];
  /** Of all processes together. */
  readonly totals: {
    readonly files: number;
    /** Content in the cache. */
    readonly dataBytes: number;
    /**
     * Memory that holds it: the pages allocated to the chunks of this process. More than the sum of the PSS,
     * which leaves out pages that no process has touched since they were filled, and more than the data by
     * what is free at the end of chunks and waits for reuse.
     */
    readonly physicalBytes: number;
    /** What a copy in each serving process would take: calculated, not measured. */
    readonly oneCopyEachBytes: number;
  };
};

/** Measures the memory of the processes that share the chunks owned by this one. */
export async function readStatus(input: StatusInput): Promise<Status> {
  const { files, dataBytes, servers } = input;
  const [chunkFiles, processes] = await Promise.all([
    readChunkFiles(),
    Promise.all(
      input.processes.map(async ({ role, pid, figures }) => {
        const memory = await readProcessMemory(pid);
        return memory === undefined ? [] : [{ role, pid, ...memory, ...figures }];
      }),
    ),
  ]);
  return {
    time: new Date().toISOString(),
    processes: processes.flat(),
    totals: {
      files,
      dataBytes,
      physicalBytes: chunkFiles.bytes,
      oneCopyEachBytes: dataBytes * servers,
    },
  };
}
