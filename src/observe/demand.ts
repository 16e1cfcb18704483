/**
 * What is measured only where somebody may ask for it, as it costs. Set when `iolite/observe` is loaded, and
 * by `iolite serve --metrics`.
 */
export const demand = {
  /** How long things take: two looks at the clock for each. */
  durations: false,
};
