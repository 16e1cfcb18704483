/**
 * Modules of Node.js that take milliseconds to load and are needed by few of those who import what uses them:
 * each is loaded when it is first asked for.
 */
export const builtins = {
  get crypto(): typeof import('node:crypto') {
    crypto ??= process.getBuiltinModule('node:crypto');
    return crypto;
  },
  get zlib(): typeof import('node:zlib') {
    zlib ??= process.getBuiltinModule('node:zlib');
    return zlib;
  },
};

let crypto: typeof import('node:crypto') | undefined;
let zlib: typeof import('node:zlib') | undefined;
