import { DEFAULT_INSPECTOR } from '../serve/inspect/inspector-address.ts';
import type { InspectorStatus } from '../serve/inspect/inspector-status.ts';
import { networkAddress } from '../serve/observe/observation-address.ts';
import { UserError } from '../user-error.ts';
import type { StatusSource } from './running-servers.ts';

const PATIENCE_MS = 5000;

/**
 * The inspector of a server, here or on another machine.
 * @param text `host:port`, or its URL, with the token as the server has printed it
 * @param token undefined: that of the URL, or none
 * @throws UserError when it is no address
 */
export function inspectorAt(text: string, token?: string): StatusSource {
  const [, url, printed] = /^(https?:\/\/[^#\s]+?)\/?(?:#token=(\S+))?$/.exec(text) ?? [];
  const at = url ?? urlOf(text);
  const given = token ?? printed;
  const headers: Record<string, string> = given === undefined ? {} : { Authorization: `Bearer ${given}` };
  const read = async (): Promise<InspectorStatus> => {
    let response: Response;
    try {
      response = await fetch(`${at}/status.json`, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
    } catch (error) {
      const { cause, message } = error as Error;
      throw new UserError(`Cannot reach ${at}: ${(cause as Error | undefined)?.message ?? message}`);
    }
    if (response.status === 401) throw new UserError(`Cannot look at ${at}: its token is wanted (--token)`);
    if (!response.ok) {
      throw new UserError(
        `Cannot look at ${at}: it answered ${response.status}; an inspector is wanted (--inspect)`,
      );
    }
    return (await response.json()) as InspectorStatus;
  };
  return { read, [Symbol.dispose]() {} };
}

function urlOf(text: string): string {
  const at = networkAddress(text);
  if (at === undefined) {
    throw new UserError(
      `Cannot look at ${text}: a process id, or an address as ${DEFAULT_INSPECTOR} is wanted`,
    );
  }
  return `http://${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`;
}
