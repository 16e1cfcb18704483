/** What `require('iolite/bl/BufferList')` gives: the constructor of lists. */
'use strict';

module.exports = require('./index.cjs').BufferList;
