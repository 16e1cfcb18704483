/** What a program writes that it must not: see stray-writer.ts. */
export const STRAY_WRITES = [
  'a draft kept past seal()',
  'a small draft kept past seal()',
  'a discarded draft',
  'a copy',
  'the neighbour of a copy',
  'the neighbour before a draft',
  'a copy made behind a draft',
  'a copy made behind a draft that was discarded',
  'what was appended',
  'a refilled buffer',
  'a refilled header',
  'what was received',
  'a content of a store',
] as const;

/** One of them, as it is called. */
export type StrayWrite = (typeof STRAY_WRITES)[number];
