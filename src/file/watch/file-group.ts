import { now } from '../../base/clock.ts';
import { Term } from '../../store/term.ts';

/**
 * Files of one directory that are confirmed together: all of them were as the disk had them when the last
 * look at them began, or came later. So one time says of all of them until when they may be used.
 */
export class FileGroup {
  readonly keys = new Set<string>();
  /** Shared with those who were given files of it. Another one whenever it had run out. */
  term = new Term();
  /** When the last look at all of them began. */
  confirmedAt = 0;

  /** Whether its term is running. */
  get isRunning(): boolean {
    return this.term.until > now();
  }

  /**
   * A file joins that was as the disk has it at a time.
   * @param life milliseconds that a look at these files is good for just now
   */
  add(key: string, checkedAt: number, life: number): void {
    this.keys.add(key);
    if (this.isRunning) {
      // It was looked at before the others, though it comes later: the reading took a while.
      this.confirmedAt = Math.min(this.confirmedAt, checkedAt);
      this.term.until = Math.min(this.term.until, checkedAt + life);
      return;
    }
    // Who still has files under the old term asks for them anew.
    this.term = new Term();
    this.confirm(checkedAt, life);
  }

  /** All of them are as the disk has them at a time. */
  confirm(time: number, life: number): void {
    this.confirmedAt = time;
    // With a life of nothing it is over, whoever's clock is asked.
    this.term.until = life === 0 ? 0 : time + life;
  }

  /** What was seen of them is good for no longer than this from now on. */
  shorten(life: number): void {
    this.term.until = Math.min(this.term.until, now() + life);
  }
}
