import { lookup } from 'mrmime';

const TEXT = /^text\/|^application\/(javascript|json|xml|manifest\+json)$|\+(json|xml)$/;

/** Media type of a file by its name, with charset=utf-8 for text; application/octet-stream when unknown. */
export function mediaTypeOf(path: string): string {
  const type = lookup(path) ?? 'application/octet-stream';
  return TEXT.test(type) ? `${type}; charset=utf-8` : type;
}

/** Types that are not compressed already. */
const COMPRESSIBLE = [
  /^(text|font\/(ttf|otf|collection)|image\/(svg\+xml|bmp))\b/,
  /^application\/(wasm|rtf|sql|([^;]+[+.-])?(javascript|ecmascript|json|xml|yaml|toml))\b/,
];

/** Whether content of this type is likely to be smaller in another coding. */
export function isCompressible(mediaType: string): boolean {
  return COMPRESSIBLE.some(pattern => pattern.test(mediaType));
}
