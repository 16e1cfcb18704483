/** A failure that is the user's to mend: its message is all there is to say. */
export class UserError extends Error {}

/** Says one line on stderr. */
export function complain(text: string): void {
  process.stderr.write(`iolite: ${text}\n`);
}
