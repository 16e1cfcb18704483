/** What `require('iolite/bl')` gives: the constructor of streams, which has the others as properties. */
'use strict';

module.exports = load().BufferListStream;

function load() {
  try {
    // By its name, so that bundlers find it.
    return require('./index.js');
  } catch {
    // jest in CommonJS mode loads no modules of this kind before Node.js 24.9, and hides the loader of
    // Node.js, which does, from all but the context outside of a test's own.
    const { getBuiltinModule } = require('node:vm').runInThisContext('process');
    return getBuiltinModule('node:module').createRequire(__filename)('./index.js');
  }
}
