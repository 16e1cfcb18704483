import { abortable } from '../base/abortable.ts';
import { ignore } from '../base/ignore.ts';
import type { LogPosition } from '../store/log/invalidation-log.ts';
import type { ClusterLog } from './log/cluster-log.ts';
import type { MachineTable } from './machines/machine-table.ts';
import type { Presence } from './machines/presence.ts';

/** Between two looks at machines that say nothing. */
const LOOK_MS = 500;

/** What knows how far each machine is. */
export interface AppliedView {
  readonly log: ClusterLog;
  readonly table: MachineTable;
  readonly presence: Presence;
  /** This machine's name. */
  readonly machine: string;
}

/**
 * Waits until all machines that live have carried out a log up to a position. One that says nothing is waited
 * for until its entry is gone: it uses nothing unasked then. @throws the signal's reason; ERR_IOLITE_CLOSED
 */
export async function appliedEverywhere(
  view: AppliedView,
  sequence: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { log, table, presence, machine } = view;
  let position: LogPosition = { log: log.applied.log, sequence };
  for (;;) {
    await log.appliedHere(position, signal);
    // In another log, in whose beginning nothing of before is used, it is to be where that begins.
    if (log.applied.log !== position.log) position = { log: log.applied.log, sequence: 0 };
    const behind = table.behind(position).filter(({ name }) => name !== machine);
    if (behind.length === 0) return;
    const silent = behind.filter(each => table.isSilent(each));
    await abortable(Promise.all(silent.map(each => presence.confirm(each))).catch(ignore), signal);
    if (silent.length < behind.length || table.behind(position).length > 0) await changeOf(table, signal);
  }
}

/** Until something changes, or for half a second. @throws the signal's reason */
async function changeOf(table: MachineTable, signal: AbortSignal | undefined): Promise<void> {
  let end = (): void => {};
  const changed = new Promise<void>(resolve => {
    const timer = setTimeout(resolve, LOOK_MS);
    const stop = table.onChange(resolve);
    end = () => {
      clearTimeout(timer);
      stop();
    };
  });
  try {
    await abortable(changed, signal);
  } finally {
    end();
  }
}
