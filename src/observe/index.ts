/**
 * What a running system shows of itself.
 * @packageDocumentation
 */

export {
  type AnswerCount,
  type AnswerFigures,
  AnswerMetrics,
  type ObservedAnswer,
} from './answer-metrics.ts';
export type { DurationHistogram } from './duration-histogram.ts';
export type {
  AnswerEvent,
  CacheEvent,
  ChannelEvent,
  IoliteEvents,
  LogEvent,
  ObservedRequest,
  ProxyFetchEvent,
  RestartEvent,
  ShrinkEvent,
} from './events.ts';
export type { MetricReading, MetricValue } from './metric.ts';
export { contentType, registry, snapshot } from './registry.ts';
export { type ProcessMemory, readChunkFiles, readProcessMemory } from './smaps.ts';
export { startSpans, stopSpans } from './spans.ts';
