import { ArgumentError, checkOptionNames, describe, optionNames } from '../base/error.ts';
import { areTags } from './value-facts.ts';

/** What is to be forgotten: all that one of them names. */
export interface Selector {
  /** Values under these keys, 10,000 at most. */
  readonly keys?: readonly string[];
  /** What keys begin with. '' is all. O(all keys). */
  readonly prefix?: string;
  /** Of values that have one of them. O(those values). */
  readonly tags?: readonly string[];
}

const NAMES = optionNames<Selector>({ keys: true, prefix: true, tags: true });
const MAX_KEYS = 10_000;

/** @throws ERR_IOLITE_ARGUMENT for what names nothing, or something else */
export function checkSelector(selector: unknown): asserts selector is Selector {
  if (typeof selector !== 'object' || selector === null)
    throw new ArgumentError(`Cannot invalidate: a selector is wanted, ${describe(selector)} was given`);
  checkOptionNames(selector, NAMES, 'invalidate');
  const { keys, prefix, tags } = selector as Selector;
  if (keys === undefined && prefix === undefined && tags === undefined)
    throw new ArgumentError('Cannot invalidate: keys, a prefix or tags are wanted');
  if (prefix !== undefined && typeof prefix !== 'string')
    throw new ArgumentError(`Cannot invalidate: a text is wanted as prefix, ${describe(prefix)} was given`);
  if (tags !== undefined && !areTags(tags))
    throw new ArgumentError(`Cannot invalidate: texts are wanted as tags, ${describe(tags)} was given`);
  if (keys === undefined) return;
  if (!Array.isArray(keys) || keys.length > MAX_KEYS || !keys.every(key => typeof key === 'string'))
    throw new ArgumentError(`Cannot invalidate: keys are to be ${MAX_KEYS} texts at most`);
}

/** Whether a value under a key is meant. */
export function selects({ keys, prefix, tags }: Selector, key: string, its: readonly string[] = []): boolean {
  if (prefix !== undefined && key.startsWith(prefix)) return true;
  return keys?.includes(key) === true || tags?.some(tag => its.includes(tag)) === true;
}
