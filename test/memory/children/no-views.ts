/** Preloaded: a runtime that refuses memory from elsewhere in ArrayBuffers, as Electron does. */
import koffi from 'koffi';

Object.assign(koffi, {
  view: () => {
    throw new Error('External buffers are not allowed');
  },
});
