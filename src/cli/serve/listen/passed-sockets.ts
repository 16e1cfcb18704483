/** A socket that was opened before this process, by systemd say. */
export interface PassedSocket {
  readonly fd: number;
  /** FileDescriptorName= of its unit; 'unknown' where nobody has named it. */
  readonly name: string;
}

/** sd_listen_fds(3): the descriptors that are passed follow the standard streams. */
const FIRST_PASSED_FD = 3;
const VARIABLES = ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID'];

/**
 * The sockets that were passed to a process, as sd_listen_fds_with_names(3) says: none where LISTEN_PID is
 * another's. The variables are taken out of the environment, as they mean nothing to what it starts.
 */
export function takePassedSockets(
  environment: NodeJS.ProcessEnv = process.env,
  pid = process.pid,
): readonly PassedSocket[] {
  const { LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES } = environment;
  for (const name of VARIABLES) delete environment[name];
  const isWhole = /^\d{1,5}$/;
  if (!isWhole.test(LISTEN_FDS ?? '') || Number(LISTEN_PID) !== pid) return [];
  const names = LISTEN_FDNAMES?.split(':') ?? [];
  return Array.from({ length: Number(LISTEN_FDS) }, (_, at) => ({
    fd: FIRST_PASSED_FD + at,
    name: names[at] || 'unknown',
  }));
}
