import { upgradeThreshold } from '../../ipc/pipe/upgrade-threshold.ts';

/**
 * Bytes after which a tool tries to go over to aggregates. The upgrade loads the library on both sides, some
 * thirty milliseconds, in which about as many bytes go through a pipe: short streams are done sooner without.
 */
const TOOL_UPGRADE_AFTER_BYTES = 32 * 1024 ** 2;

/** After how many bytes of a pipe a tool tries to upgrade it; infinite for never. */
export function toolThreshold(): number {
  return upgradeThreshold(TOOL_UPGRADE_AFTER_BYTES);
}
