import { RecentMap } from '../../base/recent-map.ts';

/** Which paths are those of scripts. JSON. */
export interface ScriptPattern {
  /** The script that answers where a path names none, from the root: a front controller. Default none. */
  readonly script?: string | undefined;
  /**
   * Tells a script's path from what follows it, in two groups: what the first means is a script, and is never
   * sent as a file. Default `^(.+?\.php)(/.*)?$`.
   */
  readonly split?: string | undefined;
}

const DEFAULT_SPLIT = '^(.+?\\.php)(/.*)?$';
const MAX_PATHS = 4096;
/** So many names from its end a path of the disk may have the root that a pattern is about. */
const MAX_NAMES = 64;

/** What is wrong with a pattern for {@link ScriptPattern.split}, for people; undefined when nothing is. */
export function troubleOfSplit(split: string): string | undefined {
  try {
    const groups = new RegExp(`${split}|`).exec('')?.length ?? 0;
    if (groups === 3) return undefined;
    return `two groups are wanted, the script's path and what follows it; ${groups - 1} were given`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Tells the paths of scripts from others, by the paths alone. */
export class ScriptNames {
  /** The path of the script that answers where none is named. */
  readonly front: string | undefined;
  readonly #split: RegExp;
  /** As some file systems compare names. */
  readonly #anyCase: RegExp;
  readonly #known = new RecentMap<string, boolean>(MAX_PATHS);

  constructor({ script, split = DEFAULT_SPLIT }: ScriptPattern) {
    this.front = script === undefined ? undefined : `/${script.replace(/^\/+/, '')}`;
    this.#split = new RegExp(split);
    this.#anyCase = new RegExp(split, 'i');
  }

  /** The first script that a path may mean, and what follows. A pattern may want a slash behind it. */
  splitOf(path: string): [name: string, rest: string] | undefined {
    return splitBy(this.#split, path);
  }

  /**
   * Whether the text of a file is not to be sent, as its path is one of a script: from whatever directory on,
   * in capitals or not, and with what file systems drop at the end of a name (FAT, NTFS).
   * @param path from a root, or of the disk
   */
  readonly isScript = (path: string): boolean => {
    let known = this.#known.get(path);
    if (known === undefined) {
      known = this.#isOneOf(path.replace(/(?<![. ])[. ]+(?=\/|$)/g, ''));
      this.#known.set(path, known);
    }
    return known;
  };

  #isOneOf(path: string): boolean {
    if (this.#isWhole(path)) return true;
    let at = path.lastIndexOf('/');
    for (let names = 1; at > 0 && names <= MAX_NAMES; names++) {
      if (this.#isWhole(path.slice(at))) return true;
      at = path.lastIndexOf('/', at - 1);
    }
    return false;
  }

  #isWhole(path: string): boolean {
    return splitBy(this.#anyCase, path)?.[1] === '' || path.toLowerCase() === this.front?.toLowerCase();
  }
}

function splitBy(pattern: RegExp, path: string): [name: string, rest: string] | undefined {
  const [, name, rest = ''] = pattern.exec(path) ?? [];
  if (name !== undefined && name !== '') return [name, rest];
  const [, bare = '', slash] = pattern.exec(`${path}/`) ?? [];
  return bare !== '' && slash === '/' ? [bare, ''] : undefined;
}
