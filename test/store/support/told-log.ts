import { now } from '../../../src/base/clock.ts';
import type {
  InvalidationLog,
  LogFollower,
  LogPosition,
  LogSelector,
} from '../../../src/store/log/invalidation-log.ts';

/** A log without other machines, whose word a test has. */
export class ToldLog implements InvalidationLog {
  readonly followers = new Set<LogFollower>();
  applied: LogPosition = { log: 'one', sequence: 0 };
  trustedUntil = 0;

  async tell(_topic: string, selector: LogSelector): Promise<LogPosition> {
    for (const follower of this.followers) await follower.carryOut(selector);
    this.applied = { log: 'one', sequence: this.applied.sequence + 1 };
    return this.applied;
  }

  async appliedHere(): Promise<void> {}

  follow(_topic: string, follower: LogFollower): () => void {
    this.followers.add(follower);
    follower.trust(this.trustedUntil);
    return () => this.followers.delete(follower);
  }

  /** The others are heard from here on, or not. */
  hear(isHeard: boolean): void {
    this.trustedUntil = isHeard ? now() + 3_600_000 : 0;
    for (const follower of this.followers) follower.trust(this.trustedUntil);
  }

  async lose(): Promise<void> {
    for (const follower of this.followers) await follower.distrust();
  }
}
