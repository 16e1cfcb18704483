import {
  ConnectionFault,
  FIRST_WINDOW_BYTES,
  FRAME_BYTES,
  MAX_WINDOW_BYTES,
  REASON,
  SETTING,
} from './frame.ts';

/** A setting: two bytes that name it, four with its value. */
const SETTING_BYTES = 6;
const MOST_FRAME_BYTES = 2 ** 24 - 1;
/** Of our table of fields, which a client may make smaller. */
const TABLE_BYTES = 4096;

/** What a client has told of itself, as far as it is of concern (RFC 9113, 6.5). */
export class PeerSettings {
  /** What a stream may be sent at first. */
  initialWindow = FIRST_WINDOW_BYTES;
  /** Whether it wants a smaller table of fields than the standard's. */
  hasSmallTable = false;

  /**
   * Reads a frame of them.
   * @returns how many there are
   * @throws ConnectionFault
   */
  read(bytes: Buffer, start: number, end: number): number {
    if ((end - start) % SETTING_BYTES !== 0) throw new ConnectionFault(REASON.frameSize);
    for (let at = start; at < end; at += SETTING_BYTES)
      this.#set(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
    return (end - start) / SETTING_BYTES;
  }

  #set(setting: number, value: number): void {
    if (setting === SETTING.tableSize) {
      if (value < TABLE_BYTES) this.hasSmallTable = true;
    } else if (setting === SETTING.enablePush) {
      if (value > 1) throw new ConnectionFault(REASON.protocol);
    } else if (setting === SETTING.initialWindow) {
      if (value > MAX_WINDOW_BYTES) throw new ConnectionFault(REASON.flowControl);
      this.initialWindow = value;
    } else if (setting === SETTING.maxFrame) {
      // Ours are as long as all have to take.
      if (value < FRAME_BYTES || value > MOST_FRAME_BYTES) throw new ConnectionFault(REASON.protocol);
    } else if (setting === SETTING.noOldPriorities && value > 1) {
      throw new ConnectionFault(REASON.protocol);
    }
  }
}

/** Our own settings, as they are sent. */
export function ownSettings(maxStreams: number, maxFieldList: number): Buffer {
  const settings: readonly (readonly [number, number])[] = [
    [SETTING.maxStreams, maxStreams],
    [SETTING.maxFieldList, maxFieldList],
    [SETTING.noOldPriorities, 1],
  ];
  const bytes = Buffer.alloc(settings.length * SETTING_BYTES);
  settings.forEach(([setting, value], index) => {
    bytes.writeUInt16BE(setting, index * SETTING_BYTES);
    bytes.writeUInt32BE(value, index * SETTING_BYTES + 2);
  });
  return bytes;
}
