import { ArgumentError, describe } from '../../base/error.ts';

/**
 * Bytes after which a program's end of a pipe tries to go over to aggregates. To agree takes each side some
 * milliseconds, once; fewer bytes are through an ordinary pipe by then.
 */
const UPGRADE_AFTER_BYTES = 1024 ** 2;

/**
 * After how many bytes of a pipe an end of it tries to upgrade it; infinite for never. The variable
 * IOLITE_PIPES can say otherwise than the program: `ordinary` never, `eager` at once.
 */
export function upgradeThreshold(wanted = UPGRADE_AFTER_BYTES): number {
  if (process.platform !== 'linux') return Number.POSITIVE_INFINITY;
  switch (process.env.IOLITE_PIPES) {
    case 'ordinary':
      return Number.POSITIVE_INFINITY;
    case 'eager':
      return 0;
    default:
      return wanted;
  }
}

/** Throws ERR_IOLITE_ARGUMENT unless it is a number of bytes, infinity included, or left out. */
export function checkUpgradeAfter(bytes: unknown): void {
  if (bytes === undefined || (typeof bytes === 'number' && bytes >= 0)) return;
  throw new ArgumentError(
    `Cannot use upgradeAfter: a number of bytes is wanted, ${describe(bytes)} was given`,
  );
}
