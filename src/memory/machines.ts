import { createHash } from 'node:crypto';

/**
 * To which other machines bytes may go, as an ACL says it in numbers: among its processes, by numbers that no
 * process has, so that it goes with each chunk as the rest does, and whoever does not know of it admits nobody
 * by it. A machine is four numbers, 124 bits of the SHA-256 of its name.
 */
const NO_PROCESS = 0x8000_0000;
const WORDS = 4;

/** Any machine, where it is the only such number: what an ACL says that was not given. */
export const ANY_MACHINE = 0xffff_ffff;

/** The numbers of machines. */
export function numbersOfMachines(names: readonly string[]): number[] {
  return names.flatMap(name => {
    const digest = createHash('sha256').update(name).digest();
    return Array.from({ length: WORDS }, (_, i) => (digest.readUInt32LE(4 * i) | NO_PROCESS) >>> 0);
  });
}

/** Whether it is the number of a process, and not part of what is said of machines. */
export function isProcess(number: number): boolean {
  return number < NO_PROCESS;
}

/** Whether bytes may go to a machine. @param pids of their ACL */
export function namesMachine(pids: readonly number[], name: string): boolean {
  const words = pids.filter(number => !isProcess(number));
  if (words.length === 1) return words[0] === ANY_MACHINE;
  const wanted = numbersOfMachines([name]);
  for (let at = 0; at + WORDS <= words.length; at += WORDS) {
    if (wanted.every((word, i) => word === words[at + i])) return true;
  }
  return false;
}
