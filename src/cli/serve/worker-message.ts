import { METRICS_REQUEST } from '../../observe/readings-request.ts';

/** Requests between the primary of `iolite serve` and its workers, by the type in their head. */
export const WorkerMessage = {
  /** Worker to primary: answered with its WorkerSettings. */
  SETTINGS: 'settings',
  /** Worker to primary: it accepts connections. Answered with nothing. */
  SERVING: 'serving',
  /** Worker to primary: a LogTrouble. Answered with nothing. */
  LOG: 'log',
  /** Primary to worker: somebody looks at how long answers take, for some seconds. Answered with nothing. */
  WATCHED: 'watched',
  /** Primary to worker: answered with nothing, so that one that is stuck shows. */
  ALIVE: 'alive',
  /** Primary to worker: answered with what it tells of itself, a list of MetricReading. */
  METRICS: METRICS_REQUEST,
  /**
   * Primary to worker: a process of the application with the number `app` listens at `address`. Answered with
   * nothing.
   */
  APPLICATION: 'application',
  /** Primary to worker: `keys` of session tickets, for connections from now on. Answered with nothing. */
  TICKET_KEYS: 'ticket keys',
  /** Primary to worker: the log's file was renamed, it is to be opened anew. Answered with nothing. */
  REOPEN: 'reopen',
  /** Primary to worker: what other machines have is here, which /ready waits for. Answered with nothing. */
  WARM: 'warm',
  /** Primary to worker: it is about to end, which /ready says. Answered with nothing. */
  LEAVING: 'leaving',
} as const;
