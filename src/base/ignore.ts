/** For promises and events whose outcome is nobody's concern. */
export function ignore(): void {}
