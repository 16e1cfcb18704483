/** Reads a line of its terminal, and says on it how long that is. */
import { openInput } from '../../../../src/ipc/pipe/open-input.ts';
import { openOutput } from '../../../../src/ipc/pipe/open-output.ts';

const input = openInput();
const { value } = await input.next();
const output = openOutput();
await output.write(`got ${value?.length} bytes\n`);
await output.end();
input.close();
