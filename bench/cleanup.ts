const leftovers = new Set<() => void>();

process.once('exit', () => {
  // What was made last goes first: a server before the folder that it serves.
  for (const clean of [...leftovers].reverse()) {
    try {
      clean();
    } catch (error) {
      console.error('Cannot clean up:', error);
    }
  }
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/**
 * Does something before this process ends, also by an error or a signal.
 * @param clean must be done when it returns
 * @returns takes it back
 */
export function atExit(clean: () => void): () => void {
  leftovers.add(clean);
  return () => leftovers.delete(clean);
}
