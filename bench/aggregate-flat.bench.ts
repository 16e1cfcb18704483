/** An aggregate of many slices against one flat Buffer of the same bytes. */
import { aggregateOf, chunksOf } from './chunks.ts';
import { type Comparison, compare, KiB, MiB, repeat, report } from './harness.ts';

/** Keeps results alive, so that no work is optimised away. */
let sink = 0;

const needle = Buffer.from('needle');
const flat = Buffer.alloc(16 * MiB, 'abcdefghijklmnopqrstuvwxy ');
needle.copy(flat, flat.length - needle.length - 3);
const flatTwin = Buffer.from(flat);
const flatOurs = aggregateOf(chunksOf(flat, 64 * KiB));
const unicode = Buffer.alloc(16 * MiB, 'zwölf Boxkämpfer €uro ');
const unicodeOurs = aggregateOf(chunksOf(unicode, 64 * KiB));

const againstFlat: Comparison[] = [
  {
    name: 'indexOf, 16 MiB in slices of 64 KiB',
    peerName: 'one flat Buffer',
    ours: repeat(() => {
      sink += flatOurs.indexOf(needle);
    }),
    peer: repeat(() => {
      sink += flat.indexOf(needle);
    }),
    oursTimes: 3,
    peerTimes: 3,
  },
  {
    name: 'equals, 16 MiB in slices of 64 KiB',
    peerName: 'one flat Buffer',
    ours: repeat(() => {
      sink += Number(flatOurs.equals(flatTwin));
    }),
    peer: repeat(() => {
      sink += Number(flat.equals(flatTwin));
    }),
    oursTimes: 5,
    peerTimes: 5,
  },
  ...(['utf8', 'latin1', 'hex'] as const).map(
    (encoding): Comparison => ({
      name: `toString ${encoding}, 16 MiB in slices of 64 KiB`,
      peerName: 'one flat Buffer',
      ours: repeat(() => {
        // Looking at a character makes the string flat.
        sink += unicodeOurs.toString(encoding).charCodeAt(5);
      }),
      peer: repeat(() => {
        sink += unicode.toString(encoding).charCodeAt(5);
      }),
      oursTimes: 2,
      peerTimes: 2,
    }),
  ),
];

report('aggregate-flat', await compare(againstFlat, 9));
if (Number.isNaN(sink)) console.log(sink);
