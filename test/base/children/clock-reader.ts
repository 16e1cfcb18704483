/** Reads a coarse clock all the time, and says for each line that comes which time it was then. */
import { CoarseClock } from '../../../src/base/clock.ts';

const LONG_MS = 1000;
const clock = new CoarseClock();
setInterval(() => clock.now(LONG_MS), 1);

function say(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

process.stdin.on('data', () => {
  say(clock.now(LONG_MS));
  setTimeout(say, 3, 'reads');
});
say('reads');
