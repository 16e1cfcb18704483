import { IoliteError, type IoliteErrorCode } from '../../base/error.ts';
import { checkLength, type Frame, FrameType, FrameWriter } from './frame.ts';

/**
 * Why an endpoint refuses a connection: the number on the wire, the error on both sides, and what it says.
 */
const REFUSALS = {
  access: { number: 1, code: 'ERR_IOLITE_ACCESS', text: 'its ACL does not admit this process' },
  limit: { number: 2, code: 'ERR_IOLITE_LIMIT', text: 'it has as many channels as it may' },
  protocol: {
    number: 3,
    code: 'ERR_IOLITE_PROTOCOL',
    text: 'the connection was not made as the protocol says',
  },
  // It had no descriptor left for the first, waited too long for the second, or began anew between the two.
  half: { number: 4, code: 'ERR_IOLITE_PEER', text: 'it has only one of the two sockets' },
} as const satisfies Record<string, { number: number; code: IoliteErrorCode; text: string }>;

export type ConnectionRefusal = keyof typeof REFUSALS;

/** The frame that a refused connector gets in place of a HELLO. */
export function refusalFrame(refusal: ConnectionRefusal): Buffer {
  const writer = new FrameWriter();
  const { buffer, at } = writer.frame(FrameType.REFUSED, 0, 4);
  buffer.writeUInt32LE(REFUSALS[refusal].number, at);
  return writer.take();
}

/** What the endpoint tells its own program. */
export function refusalError(refusal: ConnectionRefusal): IoliteError {
  const { code, text } = REFUSALS[refusal];
  return new IoliteError(code, `A connection was refused: ${text}`);
}

/** The connector's error. */
export function readRefusal(frame: Frame): IoliteError {
  checkLength(frame, 4);
  const number = frame.body.readUInt32LE(0);
  const known = Object.values(REFUSALS).find(reason => reason.number === number);
  const { code, text } = known ?? { code: 'ERR_IOLITE_PEER', text: `reason ${number}` };
  return new IoliteError(code, `The endpoint refused the connection: ${text}`);
}
