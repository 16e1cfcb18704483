import { abortable } from '../base/abortable.ts';
import type { ClusterContext } from './cluster-context.ts';

/** How long who says nothing is waited for. */
const SILENCE_MS = 300;

/** What is asked of all machines at once. */
export interface CommonQuestion {
  /** Where they listen for it, without what all subjects begin with. */
  readonly subject: string;
  /** What is asked; JSON. */
  readonly said: object;
  /** Takes an answer, whoever sent it. @returns whether no more is wanted */
  take(answer: Uint8Array): boolean;
}

/**
 * Asks all machines of a cluster, each of which may answer several times.
 * @returns when no more is wanted, or nobody has said anything for 300 ms @throws the signal's reason
 */
export async function askMachines(
  { connection, nats, prefix }: ClusterContext,
  { subject, said, take }: CommonQuestion,
  signal?: AbortSignal,
): Promise<void> {
  let end = (): void => {};
  const over = new Promise<void>(resolve => {
    end = resolve;
  });
  const silence = setTimeout(end, SILENCE_MS);
  const inbox = nats.transport.createInbox();
  const subscription = connection.subscribe(inbox, {
    callback: (error, { data }) => {
      if (error !== null) return end();
      silence.refresh();
      if (take(data)) end();
    },
  });
  try {
    connection.publish(`${prefix}.${subject}`, JSON.stringify(said), { reply: inbox });
    await abortable(over, signal);
  } finally {
    clearTimeout(silence);
    if (!connection.isClosed()) subscription.unsubscribe();
  }
}
