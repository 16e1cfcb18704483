import { now } from '../../../base/clock.ts';

/** Milliseconds since 1970, as Next.js reads them: they count from the start of the process. */
function nextTime(): number {
  return performance.timeOrigin + performance.now();
}

/** The machine's clock at a time of Next.js: other processes have set theirs by another clock. */
export function machineTimeOf(timestamp: number): number {
  return now() - (nextTime() - timestamp);
}

/** A time of Next.js in this process. */
export function nextTimeOf(machineTime: number): number {
  return nextTime() - (now() - machineTime);
}
