import { join } from 'node:path';
import { median } from '../harness.ts';
import { type Peer, Peers, wrk } from '../http-peers.ts';
import { inTurns } from '../turns.ts';
import { OWN_FILES, ROUNDS, type Row, rowsOf, SECONDS } from './rows.ts';

/** In bytes; the paper has sizes from 500 B to 200 kB. */
const SIZES = [500, 5000, 10_000, 20_000, 50_000, 100_000, 200_000] as const;
const DYNAMIC_SIZES = [500, 5000, 20_000, 50_000, 100_000, 200_000] as const;
/** The paper's clients. */
const CONNECTIONS = 40;

/** A server with what it is asked for. */
interface Contender {
  readonly peer: Peer;
  readonly pathOf: (size: number) => string;
}

function fileOf(size: number): string {
  return `/${size}.bin`;
}

/**
 * Figures 3 (a connection each) and 4 (kept connections): one file, again and again. Ours against nginx with
 * sendfile, which has since brought much of what the paper asks for, against nginx that copies, as the
 * paper's servers did, and against sirv in node:http. One process each.
 * @param isWanted by name of the figure
 */
export async function staticContent(isWanted: (figure: string) => boolean): Promise<Row[]> {
  const figures = [
    { figure: 'Fig. 3', close: true },
    { figure: 'Fig. 4', close: false },
  ].filter(({ figure }) => isWanted(figure));
  if (figures.length === 0) return [];
  using peers = new Peers(SIZES);
  const contenders = [
    await peers.node('iolite'),
    await peers.nginx(),
    await peers.copyingNginx(),
    await peers.node('sirv'),
  ].map(peer => ({ peer, pathOf: fileOf }));
  const rows: Row[] = [];
  for (const each of figures) rows.push(...(await measure(each, contenders, SIZES)));
  return rows;
}

/**
 * Figures 5 (a connection each) and 6 (kept connections): documents that an application has in its memory.
 * Ours is an application domain behind the server, against nginx in front of a Node server at a Unix socket,
 * tuned for it, against a bare Node server, which protects nobody from the application, and against our own
 * static files.
 * @param isWanted by name of the figure
 */
export async function dynamicContent(isWanted: (figure: string) => boolean): Promise<Row[]> {
  const figures = [
    { figure: 'Fig. 5', close: true },
    { figure: 'Fig. 6', close: false },
  ].filter(({ figure }) => isWanted(figure));
  if (figures.length === 0) return [];
  using peers = new Peers(SIZES);
  const socket = join(peers.folder, 'app.sock');
  await peers.start('dynamic-server.js', 'node at a socket', socket);
  const ours = await peers.start('dynamic-server.js', 'iolite', peers.root);
  const proxy = await peers.proxy(socket, true);
  const bare = await peers.start('dynamic-server.js', 'node', '');
  const pathOf = (size: number): string => `/kept/${size}`;
  const contenders = [
    { peer: ours, pathOf },
    { peer: proxy, pathOf },
    { peer: { ...bare, name: 'node:http' }, pathOf },
    { peer: { ...ours, name: OWN_FILES }, pathOf: fileOf },
  ];
  const rows: Row[] = [];
  for (const each of figures) rows.push(...(await measure(each, contenders, DYNAMIC_SIZES)));
  return rows;
}

/** In megabits a second, of bodies. */
async function measure(
  { figure, close }: { figure: string; close: boolean },
  contenders: readonly Contender[],
  sizes: readonly number[],
): Promise<Row[]> {
  const names = contenders.map(({ peer }) => peer.name);
  const run = ({ peer, pathOf }: Contender, size: number): Promise<number> =>
    wrk(peer, pathOf(size), { connections: CONNECTIONS, seconds: SECONDS, close });
  for (const contender of contenders) {
    for (const size of [sizes[0], sizes.at(-1)] as [number, number]) await run(contender, size);
  }
  const rows: Row[] = [];
  for (const size of sizes) {
    const rates = await inTurns(contenders, contender => run(contender, size), ROUNDS);
    const values = rates.map(all => (median(all) * size * 8) / 1e6);
    const name = size < 1000 ? `${size} B` : `${size / 1000} kB`;
    rows.push(...rowsOf({ figure, x: size, name, unit: 'Mb/s' }, names, values));
  }
  return rows;
}
