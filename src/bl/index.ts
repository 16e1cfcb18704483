/**
 * Lists of buffers that are Buffers to read and streams to write: the interface of the package bl.
 * @packageDocumentation
 */

export { type AnyBufferList, type BufferListAcceptedTypes, isBufferList } from './attach.ts';
export { BufferList, type BufferListConstructor } from './buffer-list.ts';
export {
  BufferListStream,
  BufferListStream as default,
  type BufferListStreamConstructor,
  type Collected,
} from './buffer-list-stream.ts';
