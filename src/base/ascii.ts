/** Characters of ASCII, as the bytes that they are. */
export const TAB = 0x09;
export const NEWLINE = 0x0a;
export const RETURN = 0x0d;
