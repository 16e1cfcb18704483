import { http1Lane, http2Lane, type Lane } from '../actors/lanes.ts';
import { FILES, fileName, type StagePlan } from '../stage.ts';

const ASK_MS = 15_000;
/** Questions that are under way at a time, by each lane. */
const ASKERS = 8;
const MADE_BYTES = 64;

/**
 * Asks servers for what nobody asks for again, so fast that all that they remember of requests is full.
 * Clients who ask at the rate of a soak take hours to that, and until then memory grows that has bounds.
 * Answers are not looked at. Ends when the last has come.
 * @param count of different questions, each of which is asked twice: some is remembered when it comes again
 */
export async function warm({ ports }: StagePlan, count: number): Promise<void> {
  const web = `http://127.0.0.1:${ports?.web}`;
  const edge = `https://127.0.0.1:${ports?.edge}`;
  const lanes = [http1Lane('HTTP/1', web), http1Lane('HTTPS', edge), http2Lane('HTTP/2', edge)];
  let next = 0;
  const ask = async (lane: Lane): Promise<void> => {
    while (next < count) {
      const number = next++;
      for (let time = 0; time < 2; time++)
        await lane.ask(question(number), AbortSignal.timeout(ASK_MS)).catch(() => {});
    }
  };
  await Promise.all(lanes.flatMap(lane => Array.from({ length: ASKERS }, () => ask(lane))));
  for (const lane of lanes) lane.close();
}

/** Files, what is not there, and what the application makes: each with a head of its own. */
function question(number: number): Parameters<Lane['ask']>[0] {
  const headers = { range: `bytes=0-${MADE_BYTES}`, 'x-number': `${number}` };
  const file = `/${fileName(number % FILES)}?${number}`;
  const paths = [file, `/missing/${number}`, `/make/${number}/${MADE_BYTES}`];
  return { path: paths[number % paths.length] as string, method: 'GET', headers };
}
