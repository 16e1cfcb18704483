import { mimes } from 'mrmime';

const TEXT = /^text\/|^application\/(javascript|json|xml|manifest\+json)$|\+(json|xml)$/;

/** By extension. mrmime leaves out types of vendors (vnd.) and those that are not registered (x-): the web asks for some. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ...Object.entries(mimes),
  ['ico', 'image/x-icon'],
  ['eot', 'application/vnd.ms-fontobject'],
  ['flac', 'audio/flac'],
  ['m3u8', 'application/vnd.apple.mpegurl'],
  ['zst', 'application/zstd'],
]);

/** Media type of a file by its name, with charset=utf-8 for text; application/octet-stream when unknown. */
export function mediaTypeOf(path: string): string {
  const type = TYPES.get(path.slice(path.lastIndexOf('.') + 1).toLowerCase()) ?? 'application/octet-stream';
  return TEXT.test(type) ? `${type}; charset=utf-8` : type;
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
