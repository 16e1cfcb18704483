/** Where a log's lines go. Writing never waits and never fails: what became of lines a LogObserver hears. */
export interface LogOutput {
  /** Bytes (or characters, of what is no ASCII) that wait to be written. */
  readonly waiting: number;
  /** @param entries how many lines the text is, each whole */
  write(text: string, entries: number): void;
  /** Opens the file anew: for after it was renamed. Does nothing for a stream. */
  reopen(): void;
  /** Resolves when all that waits was written, or could not be. A file is closed, a stream stays open. */
  close(): Promise<void>;
}

/** Hears what becomes of a log's lines. */
export interface LogObserver {
  /** Lines were written, and nothing stands in the way of more. */
  written(): void;
  /** Lines cannot be written. Those of `entries` are lost; 0 where lines go elsewhere for now. */
  failed(entries: number, error: Error): void;
}
