/** As much of the interface of the package tape as bl's tests use, on top of node:test. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

type Message = string | undefined;

class Checks {
  readonly #end: (error?: Error) => void;
  #planned = Number.POSITIVE_INFINITY;
  #done = 0;

  constructor(end: (error?: Error) => void) {
    this.#end = end;
  }

  plan(count: number): void {
    this.#planned = count;
  }

  end(): void {
    const isShort = this.#planned !== Number.POSITIVE_INFINITY && this.#done !== this.#planned;
    this.#end(isShort ? new Error(`${this.#planned} checks were planned, ${this.#done} made`) : undefined);
  }

  ok(value: unknown, message?: Message): void {
    this.#check(() => assert.ok(value, message));
  }

  notOk(value: unknown, message?: Message): void {
    this.#check(() => assert.ok(!value, message));
  }

  equal(actual: unknown, expected: unknown, message?: Message): void {
    this.#check(() => assert.equal(actual, expected, message));
  }

  equals(actual: unknown, expected: unknown, message?: Message): void {
    this.equal(actual, expected, message);
  }

  deepEquals(actual: unknown, expected: unknown, message?: Message): void {
    this.#check(() => assert.deepEqual(actual, expected, message));
  }

  throws(run: () => unknown, expected: new () => Error, message?: Message): void {
    this.#check(() => assert.throws(run, expected, message));
  }

  fail(message?: Message): void {
    this.#check(() => assert.fail(message));
  }

  /** Failures in callbacks of events have to end the test as well. */
  #check(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#end(error as Error);
      throw error;
    }
    this.#done += 1;
    if (this.#done === this.#planned) this.end();
  }
}

export default function tape(name: string, run: (checks: Checks) => void): void {
  test(
    name,
    () =>
      new Promise<void>((resolve, reject) => {
        run(new Checks(error => (error === undefined ? resolve() : reject(error))));
      }),
  );
}
