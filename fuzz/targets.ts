import type { Target } from './target.ts';

/** What is fuzzed, by name: each is loaded when it is wanted. */
export const TARGETS: Readonly<Record<string, () => Promise<Target>>> = {
  frames: async () => (await import('./targets/frames.ts')).frames,
  http1: async () => (await import('./targets/http1.ts')).http1,
  responses: async () => (await import('./targets/responses.ts')).responses,
  http2: async () => (await import('./targets/http2.ts')).http2,
  lane: async () => (await import('./targets/lane.ts')).lane,
  channel: async () => (await import('./targets/channel.ts')).channel,
  pipe: async () => (await import('./targets/pipe.ts')).pipe,
  link: async () => (await import('./targets/link.ts')).link,
  cluster: async () => (await import('./targets/cluster.ts')).cluster,
  tls: async () => (await import('./targets/tls.ts')).tls,
  ranges: async () => (await import('./targets/ranges.ts')).ranges,
  conditions: async () => (await import('./targets/conditions.ts')).conditions,
  settings: async () => (await import('./targets/settings.ts')).settings,
};
