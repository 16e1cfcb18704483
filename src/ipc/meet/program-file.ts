import { existsSync } from 'node:fs';
import { IoliteError } from '../../base/error.ts';

/**
 * A program of the package that is started by its path, so that it has to lie where the package has it.
 * @param attempted begins the message: 'Cannot X'
 * @param find its address, as seen from the module that starts it
 * @throws ERR_IOLITE_UNSUPPORTED where it is not: in a bundle, which has modules only, and not their places
 */
export function programFile(attempted: string, find: () => URL): URL {
  let url: URL | undefined;
  try {
    url = find();
  } catch {
    // In a bundle in CommonJS no module has an address.
  }
  if (url !== undefined && existsSync(url)) return url;
  const missing = url === undefined ? 'a program of iolite' : url.pathname;
  throw new IoliteError(
    'ERR_IOLITE_UNSUPPORTED',
    `${attempted}: ${missing} is not there. Keep iolite out of bundles, as docs/bundling.md says`,
  );
}
