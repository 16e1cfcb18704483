import type { Coding } from './coding.ts';
import { contentTag } from './content-tag.ts';

/** A content in another coding, in ordinary memory: to be copied to where it is kept. */
export interface Form {
  readonly coding: Coding;
  readonly parts: readonly Buffer[];
  /** Of these bytes, so that it is strong for them whoever made them, and with what. */
  readonly etag: string;
}

/** A form with its tag. O(bytes), as {@link contentTag}. */
export async function formOf(coding: Coding, parts: readonly Buffer[], signal?: AbortSignal): Promise<Form> {
  return { coding, parts, etag: await contentTag(parts, signal) };
}
