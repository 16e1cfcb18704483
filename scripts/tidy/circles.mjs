import { join } from 'node:path';
import { circlesIn } from '../circles.mjs';

/** No imports of src/, types' neither, go in a circle, of files or of the rooms of a folder. */
export function importCircles({ root }) {
  return circlesIn(join(root, 'src')).map(({ file, line, what }) => ({ path: `src/${file}`, line, what }));
}
