const STATUSES = new Map<unknown, number>([
  ['ENOENT', 404],
  ['ENOTDIR', 404],
  ['ELOOP', 404],
  ['ENAMETOOLONG', 404],
  ['EISDIR', 404],
  ['EACCES', 403],
  ['EPERM', 403],
  ['EMFILE', 503],
  ['ENFILE', 503],
  ['ENOMEM', 503],
  ['ERR_IOLITE_LIMIT', 503],
  ['ERR_IOLITE_CLOSED', 503],
  ['ERR_IOLITE_PEER', 503],
]);

/** The status that tells a client of an error, by the error's code: 500 for those unknown. */
export function statusOf(error: unknown): number {
  const { code } = (error ?? {}) as { code?: unknown };
  return STATUSES.get(code) ?? 500;
}
