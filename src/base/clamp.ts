/** A position as in Array.prototype.slice: a negative one counts from the end, and it is clamped. */
export function clampPosition(position: number, length: number): number {
  return position < 0 ? Math.max(0, length + position) : Math.min(position, length);
}
