let turn: Promise<void> | undefined;

/**
 * When all else that the event loop has to do in this turn is done. What a disk was asked for meanwhile has
 * mostly come: it takes the kernel a tenth of a millisecond, and the thread pool a fifth of that in CPU time
 * to wait for it.
 * @returns one promise for all who wait in this turn
 */
export function nextTurn(): Promise<void> {
  turn ??= new Promise(resolve => {
    setImmediate(() => {
      turn = undefined;
      resolve();
    });
  });
  return turn;
}
