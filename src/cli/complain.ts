/** Says one line on stderr. */
export function complain(text: string): void {
  process.stderr.write(`iolite: ${text}\n`);
}
