import { randomBytes } from 'node:crypto';
import type { Json } from '../../base/json.ts';
import { decodeJob, encodeJob } from './job-message.ts';
import type { JobStreams } from './job-streams.ts';

/** A job that failed, and is kept. */
export interface FailedJob {
  /** As add() has told it. */
  readonly id: string;
  /** As it was added. */
  readonly head: Json | undefined;
  /** Why it failed for good. */
  readonly reason: string;
  /** How often it had been given to a worker. */
  readonly deliveries: number;
  /** Gives it to workers anew, as if it had just been added. @throws ERR_IOLITE_CLUSTER, ERR_IOLITE_LIMIT */
  again(): Promise<void>;
  /** Forgets it. @throws what NATS says */
  drop(): Promise<void>;
}

/** Those that are kept now, the oldest first. */
export async function* failedJobs(streams: JobStreams): AsyncGenerator<FailedJob, undefined> {
  const { jsm, dead } = streams;
  const { state } = await jsm.streams.info(dead);
  for (let seq = state.first_seq; seq <= state.last_seq; ) {
    const stored = await jsm.direct.getMessage(dead, { seq, next_by_subj: streams.deadOf('*') });
    if (stored === null) return undefined;
    seq = stored.seq + 1;
    const id = stored.subject.slice(stored.subject.lastIndexOf('.') + 1);
    const { reason = '', deliveries = 0, ...content } = decodeJob(stored.data);
    const remove = (): Promise<boolean> => jsm.streams.deleteMessage(dead, stored.seq);
    yield {
      id,
      head: content.head,
      reason,
      deliveries,
      again: async () => {
        // Another key than it had: NATS would take it for the same.
        const key = `${id}.${randomBytes(6).toString('hex')}`;
        await streams.store(streams.subjectOf(id), encodeJob(content), key);
        await remove();
      },
      drop: async () => {
        await remove();
        if (content.pieces > 0) await streams.purgePieces(id);
      },
    };
  }
  return undefined;
}
