import type { Coding } from '../../file/content/coding.ts';
import type { Answer } from '../message/exchange.ts';
import type { ByteRange } from '../message/range.ts';
import type { SitePath } from './site-source.ts';

/** What a name was found to mean. */
export class Meaning implements SitePath {
  readonly path: string;
  readonly name: string;
  /** By performance.now(). */
  readonly until: number;
  /** The cache's. */
  entry: object | undefined = undefined;

  constructor(path: string, name: string, until: number) {
    this.path = path;
    this.name = name;
    this.until = until;
  }
}

/** An answer but for its body, and what that is made of. */
export interface NotedAnswer {
  /** Of the file: with another one the answer is another. */
  readonly version: object;
  readonly answer: Omit<Answer, 'body'>;
  readonly coding: Coding | 'identity';
  /** 'all': all of the file's content, which is in memory. Undefined: none. */
  readonly pieces: readonly (string | ByteRange)[] | 'all' | undefined;
}

/** What a site keeps with a request that is likely to come again with the same bytes. */
export class SiteNote {
  /** Whose it is. */
  readonly owner: object;
  readonly meaning: Meaning;
  answered: NotedAnswer | undefined = undefined;

  constructor(owner: object, meaning: Meaning) {
    this.owner = owner;
    this.meaning = meaning;
  }
}
