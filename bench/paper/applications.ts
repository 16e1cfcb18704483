import { fileURLToPath } from 'node:url';
import { median } from '../harness.ts';
import { IOLITE, Pipelines, type Pipes, pipeline, WORDS } from '../pipelines.ts';
import { inTurns } from '../turns.ts';
import { type Place, ROUNDS, type Row, rowsOf } from './rows.ts';

const FIGURE = 'Fig. 8';
/** As large as the paper's. */
const SMALL_BYTES = 1_750_000;
/** Of the source that is compiled. */
const SOURCE_BYTES = 20_000_000;
/** Where start-up counts for little. */
const LARGE_BYTES = 200_000_000;

/** A way to run a program. */
interface Side {
  readonly name: string;
  readonly script: string;
  readonly pipes: Pipes;
}

interface Program {
  readonly name: string;
  readonly sides: readonly Side[];
}

/** Ours through pipes that upgrade at once, the same through ordinary pipes, and the system's tools. */
function piped(name: string, ours: string, system: string): Program {
  return {
    name,
    sides: [
      { name: 'iolite', script: ours, pipes: 'eager' },
      { name: 'ordinary pipes', script: ours, pipes: 'ordinary' },
      { name: 'coreutils', script: system, pipes: 'ordinary' },
    ],
  };
}

/** Without a pipe there is nothing but the system's tool to compare with. */
function alone(name: string, ours: string, system: string): Program {
  return {
    name,
    sides: [
      { name: 'iolite', script: ours, pipes: 'eager' },
      { name: 'coreutils', script: system, pipes: 'ordinary' },
    ],
  };
}

/** Programs that use {@link openInput} and {@link openOutput}, or the streams of Node.js. */
function compiler(source: string): Program {
  const program = `'${process.execPath}' '${fileURLToPath(new URL('./compiler-child.js', import.meta.url))}'`;
  const script = (how: string): string => {
    const stages = ['preprocess', 'compile', 'assemble'].map(stage => `${program} ${stage} ${how}`);
    return pipeline(`${IOLITE} cat ${source}`, ...stages);
  };
  return {
    name: 'compiler of four, 20 MB',
    sides: [
      { name: 'iolite', script: script('aggregates'), pipes: 'eager' },
      { name: 'ordinary pipes', script: script('aggregates'), pipes: 'ordinary' },
      { name: 'streams of Node.js', script: script('streams'), pipes: 'ordinary' },
    ],
  };
}

function programs(small: string, large: string, source: string): Program[] {
  const permute = `${IOLITE} permute '${WORDS}' -w 8`;
  const grep = (tool: string, file: string): string => pipeline(`${tool} cat ${file}`, `${tool} grep zebra`);
  const four = (tool: string, file: string): string =>
    pipeline(`${tool} cat ${file}`, `${tool} grep -v zebra`, `${tool} cat -n`, `${tool} wc`);
  return [
    alone('start-up alone', `${IOLITE} wc /dev/null`, 'wc /dev/null'),
    alone('wc, 1.75 MB', `${IOLITE} wc ${small}`, `wc ${small}`),
    alone('wc, 200 MB', `${IOLITE} wc ${large}`, `wc ${large}`),
    piped('cat | grep, 1.75 MB', grep(IOLITE, small), grep('', small)),
    piped('cat | grep, 200 MB', grep(IOLITE, large), grep('', large)),
    piped('permute | wc, 290 MB', pipeline(permute, `${IOLITE} wc`), pipeline(permute, 'wc')),
    piped('four programs, 200 MB', four(IOLITE, large), four('', large)),
    compiler(source),
  ];
}

/** Figure 8: how long programs take, in milliseconds, the start of their processes included. */
export async function applications(isWanted: (figure: string) => boolean): Promise<Row[]> {
  if (!isWanted(FIGURE)) return [];
  using pipelines = new Pipelines();
  const small = pipelines.makeText('small', SMALL_BYTES);
  const large = pipelines.makeText('large', LARGE_BYTES);
  const source = pipelines.makeSource('source', SOURCE_BYTES);
  const rows: Row[] = [];
  for (const { name, sides } of programs(small, large, source)) {
    const times = await inTurns(
      sides,
      async ({ script, pipes }) => {
        const start = performance.now();
        await pipelines.run(script, pipes);
        return performance.now() - start;
      },
      ROUNDS,
    );
    const place: Place = { figure: FIGURE, x: name, name, unit: 'ms', less: true };
    const names = sides.map(side => side.name);
    rows.push(...rowsOf(place, names, times.map(median)));
  }
  return rows;
}
