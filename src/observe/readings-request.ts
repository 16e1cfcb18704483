import type { Json } from '../base/json.ts';

/** The type, in the head of a request over a channel, of one that asks a process to tell of itself. */
export const METRICS_REQUEST = 'metrics';

/** Whether a request asks a process to tell of itself. */
export function asksForReadings(head: Json | undefined): boolean {
  return (head as { type?: unknown } | null | undefined)?.type === METRICS_REQUEST;
}

/** What this process tells of itself, a list of MetricReading. Loads what reads it when it is asked first. */
export async function tellReadings(): Promise<{ readonly head: Json }> {
  const { snapshot } = await import('./registry.ts');
  return { head: (await snapshot()) as unknown as Json };
}
