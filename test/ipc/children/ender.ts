/** A child that exits with the code that it is asked for, without an answer. */
import { parentChannel } from '../../../src/ipc/meet/fork.ts';

parentChannel().onRequest(({ head }) => process.exit(head as number));
