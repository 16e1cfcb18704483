import { bytesText, countText } from '../figures.ts';
import { CHUNK_STATES, type ChunkRow, type InspectorStatus } from '../inspector-status.ts';
import { at, make, put, shade } from './dom.ts';

const GAP_PX = 3;
const LARGEST_PX = 26;
const SMALLEST_PX = 7;
const MOST_HEIGHT_PX = 300;
/** The states and the colours of their content; what is dead is drawn in another one. */
const COLOURS = { open: 'two', shut: 'one', leased: 'three' } as const;
const MEANINGS = {
  open: 'takes more content',
  shut: 'full',
  leased: 'left by the cache, held by others',
} as const;

/** The chunks of the cache as tiles, each filled as far as its content is live. */
export class Tiles {
  readonly #canvas = at<HTMLCanvasElement>('tiles');
  #status: InspectorStatus | undefined;
  #chosen: number | undefined;
  #side = LARGEST_PX;
  #columns = 1;

  constructor() {
    const canvas = this.#canvas;
    canvas.addEventListener('pointermove', event => this.#choose(this.#indexAt(event)));
    canvas.addEventListener('pointerleave', () => this.#choose(undefined));
    canvas.addEventListener('blur', () => this.#choose(undefined));
    canvas.addEventListener('keydown', event => {
      const steps: Record<string, number> = {
        ArrowLeft: -1,
        ArrowRight: 1,
        ArrowUp: -this.#columns,
        ArrowDown: this.#columns,
      };
      const step = steps[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const next = this.#chosen === undefined ? 0 : this.#chosen + step;
      if (next >= 0 && next < this.#rows.length) this.#choose(next);
    });
    new ResizeObserver(() => this.#draw()).observe(at('tiles-frame'));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
  }

  show(status: InspectorStatus): void {
    this.#status = status;
    this.#draw();
    const counts = CHUNK_STATES.map(state => this.#rows.filter(row => stateOf(row) === state).length);
    const said = CHUNK_STATES.map((state, index) => `${counts[index]} ${MEANINGS[state]}`);
    this.#canvas.setAttribute(
      'aria-label',
      `${this.#rows.length} chunks: ${said.join(', ')}. Arrow keys go through them.`,
    );
    at('legend').replaceChildren(
      ...CHUNK_STATES.map((state, index) =>
        legendOf(shade(COLOURS[state]), `${MEANINGS[state]}: ${counts[index]}`),
      ),
      legendOf(shade('faint'), 'dead or free'),
    );
  }

  get #rows(): readonly ChunkRow[] {
    return this.#status?.chunks.rows ?? [];
  }

  #choose(index: number | undefined): void {
    if (index === this.#chosen) return;
    this.#chosen = index;
    this.#draw();
  }

  #indexAt({ offsetX, offsetY }: PointerEvent): number | undefined {
    const step = this.#side + GAP_PX;
    const column = Math.floor(offsetX / step);
    const index = Math.floor(offsetY / step) * this.#columns + column;
    return column < this.#columns && index < this.#rows.length ? index : undefined;
  }

  /** The largest tiles of which all find room. */
  #fit(width: number): void {
    for (let side = LARGEST_PX; side >= SMALLEST_PX; side--) {
      this.#side = side;
      this.#columns = Math.max(1, Math.floor((width + GAP_PX) / (side + GAP_PX)));
      if (Math.ceil(this.#rows.length / this.#columns) * (side + GAP_PX) <= MOST_HEIGHT_PX) return;
    }
  }

  #draw(): void {
    const width = at('tiles-frame').clientWidth;
    this.#fit(width);
    const lines = Math.max(1, Math.ceil(this.#rows.length / this.#columns));
    const height = lines * (this.#side + GAP_PX) - GAP_PX + 2;
    const scale = devicePixelRatio;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    this.#canvas.style.height = `${height}px`;
    const context = this.#canvas.getContext('2d');
    if (context === null) return;
    context.scale(scale, scale);
    this.#rows.forEach((row, index) => {
      this.#drawTile(context, row, index);
    });
    put(at('tile-text'), this.#text());
  }

  #drawTile(context: CanvasRenderingContext2D, row: ChunkRow, index: number): void {
    const [, , size, live] = row;
    const step = this.#side + GAP_PX;
    const x = (index % this.#columns) * step + 1;
    const y = Math.floor(index / this.#columns) * step + 1;
    const side = this.#side - 1;
    const part = stateOf(row) === 'leased' ? 1 : Math.min(1, live / size);
    const filled = part === 0 ? 0 : Math.max(1, Math.round(side * part));
    context.fillStyle = shadeOnce('faint');
    context.fillRect(x, y, side, side);
    context.fillStyle = shadeOnce(COLOURS[stateOf(row)]);
    context.fillRect(x, y + side - filled, side, filled);
    if (index !== this.#chosen) return;
    context.strokeStyle = shadeOnce('text');
    context.lineWidth = 2;
    context.strokeRect(x, y, side, side);
  }

  #text(): string {
    const row = this.#rows[this.#chosen ?? -1];
    if (row === undefined || this.#status === undefined) {
      const { live = 0, dead = 0 } = Object.fromEntries(
        (this.#status?.cache.states ?? []).map(({ name, value }) => [name, value]),
      );
      return `Each tile is a chunk of memory, mapped read-only by whoever sends from it. ${bytesText(live)} are live, ${bytesText(dead)} dead.`;
    }
    const [, inode, size, live, dead, contents, place] = row;
    const pids = this.#status.chunks.mappers[place] ?? [];
    const whom =
      pids.length === 0
        ? 'mapped by the primary alone'
        : `mapped by ${pids.map(pid => this.#nameOf(pid)).join(', ')}`;
    return `Chunk ${inode}: ${bytesText(size)}, ${MEANINGS[stateOf(row)]}. ${countText(contents)} contents with ${bytesText(live)}, ${bytesText(dead)} dead; ${whom}.`;
  }

  #nameOf(pid: number): string {
    return `${this.#status?.processes.find(each => each.pid === pid)?.role ?? 'process'} ${pid}`;
  }
}

function stateOf([state]: ChunkRow): (typeof CHUNK_STATES)[number] {
  return CHUNK_STATES[state] ?? 'shut';
}

function legendOf(colour: string, text: string): HTMLElement {
  const mark = make('i');
  mark.style.background = colour;
  return make('li', {}, mark, text);
}

let shades = new Map<string, string>();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  shades = new Map();
});

/** A colour, asked for once until it changes: thousands of tiles are drawn. */
function shadeOnce(name: string): string {
  const known = shades.get(name) ?? shade(name);
  shades.set(name, known);
  return known;
}
