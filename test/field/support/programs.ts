/**
 * Programs of a user, in JavaScript that Node.js 20 runs. The first one does what the package is for: it has
 * another process read an aggregate that it made, and reads a file through a cache.
 */

const BODY = `
const isChild = process.argv[2] === 'child';
async function parent(self) {
  const pool = createPool({ name: 'field', memory: 'shared' });
  const { channel, process: child } = await fork(self, ['child'], { execArgv: process.execArgv });
  const report = pool.from('one copy of it');
  const { head } = await channel.request({ body: report });
  report.release();
  await channel.close();
  const cache = createFileCache({ budget: 2 ** 20 });
  const file = await cache.read(self);
  const pid = head.pid !== process.pid;
  const told = { head, pid, file: file.toString('utf8', 0, 8), node: process.version };
  file.release();
  cache.close();
  await new Promise(resolve => (child.exitCode === null ? child.once('exit', resolve) : resolve()));
  console.log(JSON.stringify(told));
}
function child() {
  parentChannel().onRequest(({ body }) => {
    const head = { text: body.toString(), pid: process.pid };
    body.release();
    return { head };
  });
}
if (isChild) child();
else parent(process.argv[1]).catch(error => {
  console.error(error);
  process.exitCode = 1;
});
`;

const NAMES = 'createFileCache, createPool, fork, parentChannel';
export const SHARES = `import { ${NAMES} } from 'iolite';\n${BODY}`;
export const SHARES_REQUIRED = `const { ${NAMES} } = require('iolite');\n${BODY}`;

/** What {@link SHARES} prints, but for what is of the process. */
export function hasShared(stdout: string): boolean {
  const { head, pid, file } = JSON.parse(stdout);
  return head.text === 'one copy of it' && pid === true && file.length === 8;
}

/** Makes a pool without a wish, and says where it is and what it was warned of. */
export const ASKS_WHERE = `
import { createPool } from 'iolite';
const warnings = [];
process.on('warning', ({ code, message }) => code === 'IOLITE_HEAP' && warnings.push(message));
const pool = createPool();
const text = pool.from('text');
let refused = '';
try {
  createPool({ memory: 'shared' });
} catch ({ code, message }) {
  refused = code + ' ' + message;
}
setImmediate(() => console.log(JSON.stringify({ text: text.toString(), warnings, refused })));
`;
