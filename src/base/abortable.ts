/** Ends the wait of somebody for something. */
export type WaitSignal = AbortSignal | GiveUp;

/**
 * What somebody waits for, who may give up: an AbortSignal for whom it concerns, made when it is asked for.
 * An AbortController costs a kilobyte of heap, which V8 lets grow old, and few requests need one.
 */
export class GiveUp {
  #controller: AbortController | undefined;
  #reason: unknown;
  #isAborted = false;
  #listeners: (() => void)[] | undefined;

  /** Whether it was given up. */
  get aborted(): boolean {
    return this.#isAborted;
  }

  /** Why; undefined as long as it was not given up. */
  get reason(): unknown {
    return this.#reason;
  }

  /** That of which others know what it is. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isAborted && !this.#controller.signal.aborted) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** @throws the reason if it was given up */
  throwIfAborted(): void {
    if (this.#isAborted) throw this.#reason;
  }

  /** It is given up. Does nothing the second time. */
  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = new DOMException('This operation was aborted', 'AbortError');
    this.#controller?.abort(this.#reason);
    for (const listener of this.#listeners?.splice(0) ?? []) listener();
  }

  /** Has something called when it is given up. */
  addListener(listener: () => void): void {
    this.#listeners ??= [];
    this.#listeners.push(listener);
  }

  removeListener(listener: () => void): void {
    const place = this.#listeners?.indexOf(listener) ?? -1;
    if (place !== -1) this.#listeners?.splice(place, 1);
  }
}

/** Options with what ends a wait, for who wants an AbortSignal of them, or {@link waitSignalOf}. */
export function waitOptions(wait: WaitSignal): { readonly signal: AbortSignal } {
  return wait instanceof GiveUp ? wait : { signal: wait };
}

/** What ends a wait, of options that say it: themselves, where they are what is given up. */
export function waitSignalOf(options: { readonly signal?: AbortSignal }): WaitSignal | undefined {
  return options instanceof GiveUp ? options : options.signal;
}

/** Waits for a promise that others wait for too: an abort ends this wait only. Throws the signal's reason. */
export async function abortable<T>(shared: Promise<T>, signal: WaitSignal | undefined): Promise<T> {
  if (signal === undefined) return shared;
  signal.throwIfAborted();
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal instanceof GiveUp) signal.addListener(onAbort);
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([shared, aborted]);
  } finally {
    if (signal instanceof GiveUp) signal.removeListener(onAbort);
    else signal.removeEventListener('abort', onAbort);
  }
}
