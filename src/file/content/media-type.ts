import { mimes } from 'mrmime';

const TEXT = /^text\/|^application\/(javascript|json|xml|manifest\+json)$|\+(json|xml)$/;

/**
 * By extension. mrmime leaves out types of vendors (vnd.) and those that are not registered (x-): the web
 * asks for some.
 */
const TYPES: ReadonlyMap<string, string> = new Map([
  ...Object.entries(mimes),
  ['ico', 'image/x-icon'],
  ['eot', 'application/vnd.ms-fontobject'],
  ['flac', 'audio/flac'],
  ['m3u8', 'application/vnd.apple.mpegurl'],
  ['zst', 'application/zstd'],
  ['7z', 'application/x-7z-compressed'],
  ['apk', 'application/vnd.android.package-archive'],
  ['avi', 'video/x-msvideo'],
  ['bz2', 'application/x-bzip2'],
  ['crt', 'application/x-x509-ca-cert'],
  ['crx', 'application/x-chrome-extension'],
  ['deb', 'application/vnd.debian.binary-package'],
  ['dmg', 'application/x-apple-diskimage'],
  ['doc', 'application/msword'],
  ['docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['iso', 'application/x-iso9660-image'],
  ['kml', 'application/vnd.google-earth.kml+xml'],
  ['kmz', 'application/vnd.google-earth.kmz'],
  ['m4v', 'video/x-m4v'],
  ['mkv', 'video/x-matroska'],
  ['msi', 'application/x-msdownload'],
  ['odp', 'application/vnd.oasis.opendocument.presentation'],
  ['ods', 'application/vnd.oasis.opendocument.spreadsheet'],
  ['odt', 'application/vnd.oasis.opendocument.text'],
  ['p12', 'application/x-pkcs12'],
  ['pem', 'application/x-x509-ca-cert'],
  ['ppt', 'application/vnd.ms-powerpoint'],
  ['pptx', 'application/vnd.openxmlformats-officedocument.presentationml.presentation'],
  ['psd', 'image/vnd.adobe.photoshop'],
  ['rar', 'application/vnd.rar'],
  ['rpm', 'application/x-redhat-package-manager'],
  ['scss', 'text/x-scss'],
  ['sh', 'application/x-sh'],
  ['srt', 'application/x-subrip'],
  ['swf', 'application/x-shockwave-flash'],
  ['tar', 'application/x-tar'],
  ['vcf', 'text/x-vcard'],
  ['xls', 'application/vnd.ms-excel'],
  ['xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
  ['xpi', 'application/x-xpinstall'],
  ['xz', 'application/x-xz'],
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
