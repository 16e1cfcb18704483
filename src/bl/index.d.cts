/** What `require('iolite/bl')` gives: the constructor of streams, which has the others as properties. */
import type * as bl from './index.js' with { 'resolution-mode': 'import' };

declare const BufferListStream: bl.BufferListStreamConstructor;
type BufferListStream = bl.BufferListStream;

declare namespace BufferListStream {
  type AnyBufferList = bl.AnyBufferList;
  type BufferList = bl.BufferList;
  type BufferListAcceptedTypes = bl.BufferListAcceptedTypes;
  type BufferListConstructor = bl.BufferListConstructor;
  type BufferListStream = bl.BufferListStream;
  type BufferListStreamConstructor = bl.BufferListStreamConstructor;
  type Collected = bl.Collected;
}

export = BufferListStream;
