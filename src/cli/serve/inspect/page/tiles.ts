import { bytesText, countText } from '../figures.ts';
import { CHUNK_STATES, type ChunkRow, type InspectorStatus } from '../inspector-status.ts';
import { at, make, put, shade } from './dom.ts';

// In pixels of the style sheet.
const GAP = 0x3;
const LARGEST = 0x40;
const SMALLEST = 0x7;
const MOST_HEIGHT = 0x110;
/** How strong a tile's colour is that nobody but the primary maps. */
const UNMAPPED_PART = 0.4;
/**
 * For what the budget has room for still, at most: so many, or a few for each chunk. With all of a large
 * budget the chunks would be specks.
 */
const FEW_FREE_TILES = 60;
const FREE_TILES_OF_A_CHUNK = 0x3;
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
  #side = LARGEST;
  #columns = 1;

  constructor() {
    const canvas = this.#canvas;
    canvas.tabIndex = 0;
    canvas.setAttribute('role', 'img');
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
      legendOf(shade('line'), notTaken(this.#free, this.#freeTiles)),
    );
  }

  /** How many more such chunks there may be just now. */
  get #free(): number {
    const size = this.#rows[0]?.[2];
    if (this.#status === undefined || size === undefined) return 0;
    const taken = this.#rows.reduce((sum, row) => sum + row[2], 0);
    const free = Math.floor((this.#status.cache.allowance - taken) / size);
    return Math.max(0, free);
  }

  get #freeTiles(): number {
    return Math.min(this.#free, Math.max(FEW_FREE_TILES, FREE_TILES_OF_A_CHUNK * this.#rows.length));
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
    const step = this.#side + GAP;
    const column = Math.floor(offsetX / step);
    const index = Math.floor(offsetY / step) * this.#columns + column;
    return column < this.#columns && index < this.#rows.length ? index : undefined;
  }

  /** The largest tiles of which all find room. */
  #fit(width: number, count: number): void {
    for (let side = LARGEST; side >= SMALLEST; side--) {
      this.#side = side;
      this.#columns = Math.max(1, Math.floor((width + GAP) / (side + GAP)));
      if (Math.ceil(count / this.#columns) * (side + GAP) <= MOST_HEIGHT) return;
    }
  }

  #draw(): void {
    const width = at('tiles-frame').clientWidth;
    const count = this.#rows.length + this.#freeTiles;
    this.#fit(width, count);
    const lines = Math.max(1, Math.ceil(count / this.#columns));
    const height = lines * (this.#side + GAP) - GAP + 2;
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
    context.strokeStyle = shadeOnce('line');
    context.lineWidth = 1;
    for (let index = this.#rows.length; index < count; index++) {
      const [x, y] = this.#placeOf(index);
      context.strokeRect(x + 0.5, y + 0.5, this.#side - 2, this.#side - 2);
    }
    put(at('tile-text'), this.#text());
  }

  #placeOf(index: number): readonly [x: number, y: number] {
    const step = this.#side + GAP;
    return [(index % this.#columns) * step + 1, Math.floor(index / this.#columns) * step + 1];
  }

  #drawTile(context: CanvasRenderingContext2D, row: ChunkRow, index: number): void {
    const [, , size, live, , , place] = row;
    const [x, y] = this.#placeOf(index);
    const side = this.#side - 1;
    const part = stateOf(row) === 'leased' ? 1 : Math.min(1, live / size);
    const filled = part === 0 ? 0 : Math.max(1, Math.round(side * part));
    context.fillStyle = shadeOnce('faint');
    context.fillRect(x, y, side, side);
    context.fillStyle = shadeOnce(COLOURS[stateOf(row)]);
    context.globalAlpha = UNMAPPED_PART + (1 - UNMAPPED_PART) * this.#mappedPart(place);
    context.fillRect(x, y + side - filled, side, filled);
    context.globalAlpha = 1;
    if (index !== this.#chosen) return;
    context.strokeStyle = shadeOnce('text');
    context.lineWidth = 2;
    context.strokeRect(x, y, side, side);
  }

  /** By how many of those who could. */
  #mappedPart(place: number): number {
    const { chunks, processes = [] } = this.#status ?? {};
    const workers = processes.filter(({ role }) => role === 'worker').length;
    return Math.min(1, (chunks?.mappers[place]?.length ?? 0) / Math.max(1, workers));
  }

  #text(): string {
    const row = this.#rows[this.#chosen ?? -1];
    if (row === undefined || this.#status === undefined) {
      const { live = 0, dead = 0 } = Object.fromEntries(
        (this.#status?.cache.states ?? []).map(({ name, value }) => [name, value]),
      );
      return (
        'A tile is a chunk of memory: the stronger its colour, the more workers map it. ' +
        `${bytesText(live)} are live, ${bytesText(dead)} dead.`
      );
    }
    const [, inode, size, live, dead, contents, place] = row;
    const pids = this.#status.chunks.mappers[place] ?? [];
    const whom =
      pids.length === 0
        ? 'mapped by the primary alone'
        : `mapped by ${pids.map(pid => this.#nameOf(pid)).join(', ')}`;
    return (
      `Chunk ${inode}: ${bytesText(size)}, ${MEANINGS[stateOf(row)]}. ${countText(contents)} contents ` +
      `with ${bytesText(live)}, ${bytesText(dead)} dead; ${whom}.`
    );
  }

  #nameOf(pid: number): string {
    return `${this.#status?.processes.find(each => each.pid === pid)?.role ?? 'process'} ${pid}`;
  }
}

function stateOf([state]: ChunkRow): (typeof CHUNK_STATES)[number] {
  return CHUNK_STATES[state] ?? 'shut';
}

function notTaken(chunks: number, tiles: number): string {
  return `not taken: ${countText(chunks)}${tiles < chunks ? `, ${tiles} of them drawn` : ''}`;
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
