import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { snapshot } from '../../../src/observe/registry.ts';
import { watchdog } from '../../support/watchdog.ts';

/** The sum of a metric of this process over what has these labels; of a histogram of one of its parts. */
export async function sumOfMetric(
  name: string,
  labels: Readonly<Record<string, string>> = {},
  part?: string,
): Promise<number> {
  const metric = (await snapshot()).find(each => each.name === name);
  assert.ok(metric !== undefined, name);
  const wanted = metric.values.filter(
    each =>
      (part === undefined || each.metricName === `${name}_${part}`) &&
      Object.entries(labels).every(([label, value]) => each.labels[label] === value),
  );
  return wanted.reduce((sum, { value }) => sum + value, 0);
}

/** How much a metric has risen since {@link Rise.of}. */
export class Rise {
  readonly #name: string;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #before: number;

  private constructor(name: string, labels: Readonly<Record<string, string>>, before: number) {
    this.#name = name;
    this.#labels = labels;
    this.#before = before;
  }

  static async of(name: string, labels: Readonly<Record<string, string>> = {}): Promise<Rise> {
    return new Rise(name, labels, await sumOfMetric(name, labels));
  }

  async now(): Promise<number> {
    return (await sumOfMetric(this.#name, this.#labels)) - this.#before;
  }

  /** Waits until it has risen by so much. */
  async reaches(amount: number): Promise<void> {
    const reached = async (): Promise<void> => {
      while ((await this.now()) !== amount) await setImmediate();
    };
    await watchdog(reached(), `${this.#name} to rise by ${amount}`);
  }
}
