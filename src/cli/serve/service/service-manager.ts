import { sendDatagram } from '../../../os/datagram.ts';
import { complain } from '../../complain.ts';

const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'];
const USEC_PER_MS = 1000;
/** Each round of questions and the pause behind it take no more than two of these parts of the time. */
const WATCHDOG_PARTS = 3;
/** What the end takes besides the time that answers have. */
const STOP_ROOM_MS = 5000;

/**
 * Whoever has started this process as a service and wants to hear of it: systemd, by the protocol of
 * sd_notify(3). Where there is none, nothing is said.
 *
 *     starting ──ready()──▶ up ◀──reloaded()── reloading
 *                           │ └───reloading()───▲
 *                           └──stopping()──▶ stopping
 */
export class ServiceManager {
  readonly #socket: string | undefined;
  readonly #watchdogMs: number | undefined;
  #state: 'starting' | 'up' | 'reloading' | 'stopping' = 'starting';
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Whether it was said that nobody could be told. */
  #hasComplained = false;
  #wasAlive = true;

  /** Takes its variables out of the environment: what this process starts is not to speak for it. */
  constructor(environment: NodeJS.ProcessEnv = process.env, pid = process.pid) {
    const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = environment;
    for (const name of VARIABLES) delete environment[name];
    this.#socket = NOTIFY_SOCKET === '' ? undefined : NOTIFY_SOCKET;
    const milliseconds = Number(WATCHDOG_USEC) / USEC_PER_MS;
    const isOurs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === pid;
    if (isOurs && milliseconds > 0) this.#watchdogMs = milliseconds;
  }

  /** All of it serves, and this process stands for it. */
  ready(status: string): void {
    if (this.#state !== 'starting') return;
    this.#state = 'up';
    this.#say('READY=1', `MAINPID=${process.pid}`, `STATUS=${status}`);
  }

  /** The settings are read again: nobody is to rely on those before. */
  reloading(): void {
    if (this.#state !== 'up') return;
    this.#state = 'reloading';
    // By the clock that the manager compares it with: Type=notify-reload wants to know it of this reload.
    const now = process.hrtime.bigint() / BigInt(USEC_PER_MS);
    this.#say('RELOADING=1', `MONOTONIC_USEC=${now}`, 'STATUS=Reading the settings again');
  }

  /** @param status what is served now */
  reloaded(status: string): void {
    if (this.#state !== 'reloading') return;
    this.#state = 'up';
    this.#say('READY=1', `STATUS=${status}`);
  }

  /** It comes to its end. @param limit milliseconds that answers under way may take */
  stopping(limit: number): void {
    if (this.#state === 'stopping') return;
    this.#state = 'stopping';
    const room = (limit + STOP_ROOM_MS) * USEC_PER_MS;
    this.#say('STOPPING=1', `EXTEND_TIMEOUT_USEC=${room}`, 'STATUS=Finishing the answers under way');
  }

  /**
   * Pings from now on, as often as the manager wants it, while those that serve answer; so it does not when
   * this process is stuck. The manager kills and restarts the service then.
   * @param isAlive whether all answer within a time in milliseconds
   */
  watch(isAlive: (limit: number) => Promise<boolean>): void {
    if (this.#watchdogMs === undefined || this.#socket === undefined) return;
    const part = this.#watchdogMs / WATCHDOG_PARTS;
    const turn = async (): Promise<void> => {
      this.#ping(await isAlive(part));
      if (!this.#isClosed) this.#timer = setTimeout(turn, part);
    };
    void turn();
  }

  /** Says nothing more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #ping(isAlive: boolean): void {
    if (isAlive) this.#say('WATCHDOG=1');
    else if (this.#wasAlive) {
      const trouble = 'A worker does not answer: the watchdog is not told that all is well';
      complain(trouble);
      this.#say(`STATUS=${trouble}`);
    }
    this.#wasAlive = isAlive;
  }

  #say(...lines: readonly string[]): void {
    if (this.#socket === undefined || this.#isClosed) return;
    try {
      if (!/^[/@]/.test(this.#socket)) throw new Error('a path or an abstract name is wanted');
      sendDatagram(this.#socket, lines.map(line => line.replaceAll('\n', ' ')).join('\n'));
    } catch (error) {
      if (!this.#hasComplained)
        complain(`Cannot tell the service manager at ${this.#socket}: ${(error as Error).message}`);
      this.#hasComplained = true;
    }
  }
}
