import types, { type MimeDatabase, type MimeSource } from 'mime-db';

const TEXT = /^text\/|^application\/(javascript|json|xml|manifest\+json)$|\+(json|xml)$/;
const UNKNOWN = 'application/octet-stream';

/** Where several types claim an extension: those of which the web knows another one. */
const PREFERRED: ReadonlyMap<string, string> = new Map([
  ['3gpp', 'video/3gpp'],
  ['flac', 'audio/flac'],
  ['hsj2', 'image/hsj2'],
  ['ico', 'image/x-icon'],
  ['rtf', 'text/rtf'],
  ['zst', 'application/zstd'],
]);
/** Whose word counts more; a text that a browser shows more than what it can only save. */
const SOURCES: readonly (MimeSource | undefined)[] = [undefined, 'nginx', 'apache', 'iana'];

/** By extension, in lower case. Made when it is first asked for: many programs never ask. */
let known: ReadonlyMap<string, string> | undefined;

/** Media type of a file by its name, with charset=utf-8 for text; application/octet-stream when unknown. */
export function mediaTypeOf(path: string): string {
  known ??= knownTypes();
  const type = known.get(path.slice(path.lastIndexOf('.') + 1).toLowerCase());
  return type ?? UNKNOWN;
}

/**
 * The same with other types before those that are known.
 * @param more by extension, with or without its dot
 */
export function mediaTypesWith(more: Readonly<Record<string, string>> | undefined): (path: string) => string {
  if (more === undefined || Object.keys(more).length === 0) return mediaTypeOf;
  const own = new Map(
    Object.entries(more).map(([extension, type]) => [extension.replace(/^\./, '').toLowerCase(), type]),
  );
  return path => own.get(path.slice(path.lastIndexOf('.') + 1).toLowerCase()) ?? mediaTypeOf(path);
}

/** The extension of a path's last name, in lower case; undefined where it has none. */
export function extensionOf(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return dot < 1 || dot === name.length - 1 ? undefined : name.slice(dot + 1).toLowerCase();
}

function knownTypes(): ReadonlyMap<string, string> {
  const best = new Map<string, string>();
  for (const [type, { extensions = [] }] of Object.entries(types)) {
    for (const extension of extensions) {
      const other = best.get(extension);
      if (other === undefined || rankOf(type, types) > rankOf(other, types)) best.set(extension, type);
    }
  }
  for (const [extension, type] of PREFERRED) best.set(extension, type);
  for (const [extension, type] of best) if (TEXT.test(type)) best.set(extension, `${type}; charset=utf-8`);
  return best;
}

/** Types for all go before those of vendors and those that are not registered; the shorter name first. */
function rankOf(type: string, types: MimeDatabase): number {
  if (type === UNKNOWN) return 0;
  const [, subtype = ''] = type.split('/');
  const isGeneral = !/^(vnd\.|x-|prs\.)/.test(subtype);
  const isFacetless = type.startsWith('application/') ? 0 : 1;
  const source = SOURCES.indexOf(types[type]?.source);
  return (isGeneral ? 1000 : 0) + 100 * source + 10 * isFacetless - subtype.length / 100;
}

/** Types that are not compressed already. */
const COMPRESSIBLE = [
  /^(text|font\/(ttf|otf|collection)|image\/(svg\+xml|bmp|x-icon))\b/,
  /^application\/(wasm|rtf|sql|([^;]+[+.-])?(javascript|ecmascript|json|xml|yaml|toml))\b/,
];

/** Whether content of this type is likely to be smaller in another coding. */
export function isCompressible(mediaType: string): boolean {
  return COMPRESSIBLE.some(pattern => pattern.test(mediaType));
}

/** Types whose content is compressed as it is. */
const COMPRESSED = [
  /^(audio|video)\/|^image\/(?!svg|bmp|x-icon|x-ms-bmp|tiff|vnd)|^font\/woff/,
  /^application\/(zip|gzip|zstd|x-7z-compressed|vnd\.rar|x-xz|x-bzip2?|java-archive)\b/,
];

/** Of the types that were asked for: as many as there are in the table. */
const formsByType = new Map<string, boolean>();

/**
 * Whether somebody may have put forms in other codings beside a file: of all types but those that no coding
 * makes smaller.
 * @param mediaType that {@link mediaTypeOf} tells: of these there are a bounded number
 */
export function mayHaveForms(mediaType: string): boolean {
  let may = formsByType.get(mediaType);
  if (may === undefined) {
    may = !COMPRESSED.some(pattern => pattern.test(mediaType));
    formsByType.set(mediaType, may);
  }
  return may;
}
