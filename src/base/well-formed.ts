/** Whether a text has no half of a surrogate pair: encoded as UTF-8 it would be another text. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}
