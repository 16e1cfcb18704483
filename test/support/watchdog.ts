/**
 * Fails instead of hanging when an event never comes. The bound is generous: it is no measurement.
 * @param what is waited for, for the message
 */
export async function watchdog<T>(event: Promise<T>, what: string, milliseconds = 20_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Waited ${milliseconds} ms in vain for ${what}`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([event, expired]);
  } finally {
    clearTimeout(timer);
  }
}
