/** What `require('iolite/bl/BufferList')` gives: the constructor of lists. */
import type * as bl from './index.js' with { 'resolution-mode': 'import' };

declare const BufferList: bl.BufferListConstructor;
type BufferList = bl.BufferList;

export = BufferList;
