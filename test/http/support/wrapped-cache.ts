import type { FileCache, Snapshot } from '../../../src/file/cache/file-cache.ts';
import type { Coding } from '../../../src/file/content/coding.ts';

/** A cache whose snapshots are changed on their way out. */
export function wrapCache(cache: FileCache, change: (snapshot: Snapshot) => Snapshot): FileCache {
  return {
    read: (path, options) => cache.read(path, options),
    snapshot: async (path, options) => change(await cache.snapshot(path, options)),
    peek: (path, root) => {
      const snapshot = cache.peek(path, root);
      return snapshot && change(snapshot);
    },
    invalidate: path => cache.invalidate(path),
    stats: () => cache.stats(),
    close: () => cache.close(),
    [Symbol.dispose]: () => cache.close(),
  };
}

/** A snapshot that is as another one, but for what is given. */
function changed(snapshot: Snapshot, changes: Partial<Snapshot>): Snapshot {
  return new Proxy(snapshot, {
    get(target, name) {
      if (name in changes) return Reflect.get(changes, name);
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** As if the cache gave strong entity tags. */
export function withStrongTags(snapshot: Snapshot): Snapshot {
  return changed(snapshot, { etag: snapshot.etag.replace('W/', '') });
}

/** As if the cache kept the file by extents. */
export function byExtents(snapshot: Snapshot): Snapshot {
  return changed(snapshot, { content: undefined });
}

/** As if the cache had forms in codings: the name of the coding, and then the file as it is. */
export function withCodings(codings: readonly Coding[]): (snapshot: Snapshot) => Snapshot {
  return snapshot =>
    changed(snapshot, {
      codings,
      encoded: coding => {
        if (!codings.includes(coding)) return undefined;
        const content = snapshot.content?.duplicate().prepend(`${coding}:`);
        if (content === undefined) return undefined;
        const release = (): void => content[Symbol.dispose]();
        return changed(snapshot, {
          content,
          size: content.length,
          etag: snapshot.etag.replace(/"$/, `-${coding}"`),
          share: () => content.duplicate(),
          read: async (start, end) => content.slice(start, end),
          release,
          [Symbol.dispose]: release,
        });
      },
    });
}
