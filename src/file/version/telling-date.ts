/**
 * Before it no date of a file is one of its content, but one that a tool has set so that the same files make
 * the same package: 0 and 1 (Nix, OSTree, Jib), 1980-01-01 and the second after (zip, Bazel, Cloud Native
 * Buildpacks), 1980-02-01 (Gradle), 1985-10-26 (npm). 1990-01-01.
 */
const EARLIEST_MS = 631_152_000_000;
/** Later ones that tools set: 2000-01-01 (rules_pkg of Bazel) and 2010-01-01 (its older jars). */
const SET_MS: readonly number[] = [946_684_800_000, 1_262_304_000_000];

/**
 * Whether a date of modification tells one version of a file from another. One that a build sets to the same
 * value each time does not, nor one in the future: of two changes before it is reached each may leave it as
 * it is, and a server must not send it (RFC 9110, 8.8.2.1). A date that a build is told to set
 * (SOURCE_DATE_EPOCH) cannot be known from others.
 * @param date and `now`: milliseconds since the epoch
 */
export function isTellingDate(date: number, now: number): boolean {
  return date >= EARLIEST_MS && date <= now && !SET_MS.includes(date);
}
