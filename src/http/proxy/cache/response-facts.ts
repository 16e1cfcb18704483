import { fieldOf } from '../../message/header-list.ts';

/**
 * What is stored of a response besides its content. As JSON, so that a store can give it to other processes.
 */
export type ResponseFacts = {
  readonly kind: 'response';
  readonly status: number;
  /** As they are sent on: without those that were for one connection only. */
  readonly headers: readonly string[];
  /** When it was asked for, and when its head had come: milliseconds since the epoch. */
  readonly requestedAt: number;
  readonly receivedAt: number;
  /** When it was said to be stale: milliseconds since the epoch. */
  readonly staleAt?: number;
  /** What it may be forgotten by, together with others: names of groups. */
  readonly groups?: readonly string[];
  /** How its target begins, where that is too long to be the key. */
  readonly start?: string;
  /**
   * Of one that varies: the fields of requests that select it, as names and values. Missing where one of
   * them may be a secret.
   */
  readonly selecting?: readonly string[];
};

/**
 * What is stored under a request's own key when responses to it vary by fields of the request (RFC 9111,
 * 4.1).
 */
type VariantFacts = {
  readonly kind: 'variants';
  /** In lower case, sorted. */
  readonly fields: readonly string[];
  /** Part of the variants' keys, so that those of before an invalidation are never found again. */
  readonly epoch: string;
  /** As of {@link ResponseFacts}. */
  readonly start?: string;
};

/** What is stored under a key besides the content. */
export type StoredFacts = ResponseFacts | VariantFacts;

/** A field of a stored response, by its name in lower case. */
export function storedField({ headers }: ResponseFacts, name: string): string | undefined {
  return fieldOf(headers, name);
}
