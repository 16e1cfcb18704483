import { type Report, StoreRequest } from '../store-protocol.ts';
import type { ContentFacts, StoredVersion } from '../stored-version.ts';
import type { Session } from './index-entry.ts';
import type { IndexUses } from './index-uses.ts';

/** After which uses are reported. */
const REPORT_MS = 250;

/** The index that reports. */
export interface ReportingIndex {
  /** Under which owner it is. */
  readonly session: Session | undefined;
  /** A report is due. */
  beforeReport(session: Session): void;
}

/** What an index tells its owner, late and in batches: see {@link IndexUses}. */
export class IndexReports<F extends ContentFacts> {
  readonly #name: string;
  readonly #uses: IndexUses<F>;
  readonly #index: ReportingIndex;
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;

  /** @param name of the store in requests */
  constructor(name: string, uses: IndexUses<F>, index: ReportingIndex) {
    this.#name = name;
    this.#uses = uses;
    this.#index = index;
  }

  /** There is something to report. */
  schedule(): void {
    if (this.#isEnded || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const { session } = this.#index;
      if (session !== undefined) this.#index.beforeReport(session);
      this.#send();
      if (this.#uses.isPending) this.schedule();
    }, REPORT_MS).unref();
  }

  /** The index has dropped a version by itself, or never kept it. */
  forgot(held: StoredVersion<F>): void {
    this.#uses.forgot(held);
    // A closed index has nothing to wait for, and there is no next report.
    if (this.#isEnded) this.#send();
    else this.schedule();
  }

  /** The index is closed: nobody looks any more who holds what. */
  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    this.#send();
  }

  #send(): void {
    const { session } = this.#index;
    if (this.#isEnded) this.#uses.end();
    for (;;) {
      const report: Report | undefined = this.#uses.report(session);
      if (report === undefined || session === undefined) return;
      // A channel that is closed is told of by the open question as well.
      session.channel
        .request({ head: { type: `${this.#name}.${StoreRequest.REPORT}`, ...report } })
        .catch(() => {});
      // Nobody comes for the rest then.
      if (!this.#isEnded) return;
    }
  }
}
