/** What a running system shows of itself. */

export { type AnswerFigures, AnswerMetrics, type ObservedAnswer } from './answer-metrics.ts';
export type { MetricReading, MetricValue } from './metric.ts';
export { contentType, registry, snapshot } from './registry.ts';
export { type ProcessMemory, readChunkFiles, readProcessMemory } from './smaps.ts';
