/** Says what works where the system or the runtime withholds something. Arguments: as of tellWhatWorks(). */
import { tellWhatWorks } from './what-works.ts';

const [path = '', endpoint = ''] = process.argv.slice(2);
await tellWhatWorks(path, endpoint);
