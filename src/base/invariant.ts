/**
 * What must hold at a place in the code, whatever a user or a peer does: counts that never fall below
 * nothing, sums that agree. Checked in tests and with `IOLITE_CHECK=1` in the environment; otherwise a look
 * at a flag, which costs less than a nanosecond (docs/decisions/base.md).
 */
import { IoliteError } from './error.ts';

/**
 * Whether invariants are checked in this process: for those whose check is work of its own, a sum over a list
 * say.
 */
export const CHECKED = process.env.IOLITE_CHECK === '1';

/** The same, of this module alone: the compiler takes it for the constant that it is. */
const isChecked = CHECKED;

/**
 * @param holds what must be true; to be cheap, as it is calculated in any case
 * @param what must hold, as a sentence: "a lease that is released was held"
 * @throws ERR_IOLITE_INVARIANT if it does not hold and is checked: a bug of iolite, to be reported
 */
export function invariant(holds: boolean, what: string): asserts holds {
  if (isChecked && !holds) fail(what);
}

/** Apart, so that the check itself is small enough to be inlined. */
function fail(what: string): never {
  throw new IoliteError('ERR_IOLITE_INVARIANT', `A bug of iolite: it must hold that ${what}`);
}
