/**
 * Bytes after which the two ends of a pipe try to go over to aggregates. The upgrade loads the library on
 * both sides, some thirty milliseconds, in which about as many bytes go through a pipe: short streams are
 * done sooner without.
 */
const UPGRADE_AFTER_BYTES = 32 * 1024 ** 2;

/**
 * After how many bytes of a pipe its ends try to upgrade it. The variable IOLITE_PIPES can say otherwise:
 * `ordinary` never, `eager` at once.
 */
export function upgradeAfter(): number {
  if (process.platform !== 'linux') return Number.POSITIVE_INFINITY;
  switch (process.env.IOLITE_PIPES) {
    case 'ordinary':
      return Number.POSITIVE_INFINITY;
    case 'eager':
      return 0;
    default:
      return UPGRADE_AFTER_BYTES;
  }
}
