/** A task that a signal may abort. */
export interface Abortable {
  abort(reason: unknown): void;
}

/**
 * The tasks of each signal, under one listener: of ten thousand that share one, each would look for its own
 * among all others to take it off, and Node.js would warn of a leak.
 */
export class SignalTasks {
  readonly #signals = new Map<
    AbortSignal,
    { readonly tasks: Set<Abortable>; readonly listener: () => void }
  >();

  add(signal: AbortSignal, task: Abortable): void {
    const known = this.#signals.get(signal);
    if (known !== undefined) {
      known.tasks.add(task);
      return;
    }
    const tasks = new Set([task]);
    const listener = (): void => {
      this.#signals.delete(signal);
      for (const each of tasks) each.abort(signal.reason);
    };
    this.#signals.set(signal, { tasks, listener });
    signal.addEventListener('abort', listener, { once: true });
  }

  delete(signal: AbortSignal, task: Abortable): void {
    const known = this.#signals.get(signal);
    if (known === undefined) return;
    known.tasks.delete(task);
    if (known.tasks.size > 0) return;
    this.#signals.delete(signal);
    signal.removeEventListener('abort', known.listener);
  }
}
