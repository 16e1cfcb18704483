import { parseObject } from '../parse-object.ts';

/** What machines get from each other, as one of them counts it since it has joined. */
export interface PullStats {
  /** That it has asked of others. */
  readonly sent: number;
  /** That it has answered with a content, or that the one who asks has it still. */
  readonly answered: number;
  /** That it has not: it has nothing to give, is behind in the log, or was asked by a stranger. */
  readonly refused: number;
  /** Of the contents that it has answered with. */
  readonly bytes: number;
}

/** A machine of a cluster, as it tells of itself. */
export interface MachineStats {
  /** Its name among them. */
  readonly name: string;
  /** Another one each time that it joins. */
  readonly epoch: string;
  /** Whether it hears the others: if not, it uses nothing unasked, or as its `onPartition` says. */
  readonly connected: boolean;
  /** Up to where it has carried out the log. */
  readonly applied: number;
  /** Up to where it has read it. */
  readonly last: number;
  /** Messages of the log that some machine has read, and this one has not carried out. */
  readonly lag: number;
  /** Times that it has lost the log, and taken all that it had for stale. */
  readonly losses: number;
  /** What it got from the others, and gave them. */
  readonly pulls: PullStats;
  /** Links that it has opened, and that are not closed. */
  readonly links: number;
}

export function encodeStats(stats: MachineStats): string {
  return JSON.stringify(stats);
}

/** @returns undefined for what is none, whoever sent it */
export function decodeStats(bytes: Uint8Array): MachineStats | undefined {
  const { name, epoch, connected, pulls, ...numbers } = parseObject(bytes) ?? {};
  if (typeof name !== 'string' || typeof epoch !== 'string' || typeof connected !== 'boolean')
    return undefined;
  const { sent, answered, refused, bytes: given } = (pulls ?? {}) as Record<string, unknown>;
  const { applied, last, lag, losses, links } = numbers;
  const counts = { applied, last, lag, losses, links };
  const pulled = { sent, answered, refused, bytes: given };
  if (![...Object.values(counts), ...Object.values(pulled)].every(isCount)) return undefined;
  return { name, epoch, connected, ...counts, pulls: pulled } as MachineStats;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
