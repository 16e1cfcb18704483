import type { Aggregate } from '../../aggregate/aggregate.ts';
import { IoliteError } from '../../base/error.ts';
import { admitsMachine } from '../../memory/acl.ts';

/**
 * Throws ERR_IOLITE_ACCESS unless all bytes of a body may be brought to another machine: an ACL that names
 * users, groups or processes of this one, and no machines, keeps them here.
 */
export function checkMayLeave(body: Aggregate, machine: string): void {
  for (const { lease } of body.slices()) {
    const { acl } = lease.chunk;
    if (acl === undefined || admitsMachine(acl, machine)) continue;
    throw new IoliteError(
      'ERR_IOLITE_ACCESS',
      `Cannot send aggregate: the ACL of its pool does not admit machine ${machine}`,
    );
  }
}
