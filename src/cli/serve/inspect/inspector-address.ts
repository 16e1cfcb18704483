import { UserError } from '../../user-error.ts';
import { networkAddress } from '../observe/observation-address.ts';
import type { InspectorOptions } from './inspector.ts';

/** Beside the one that metrics have by default. */
export const DEFAULT_INSPECTOR = '127.0.0.1:9465';
/** Fewer could be guessed. */
export const LEAST_TOKEN_CHARACTERS = 16;
const TOKEN_VARIABLE = 'IOLITE_INSPECT_TOKEN';

/** What settings say of the inspector: an address, or that and a token. */
export type InspectSetting =
  | string
  | { readonly address?: string | undefined; readonly token?: string | undefined };

/**
 * Where the inspector listens by a setting and the environment.
 * @throws UserError
 */
export function inspectorOptions(setting: InspectSetting, environment: NodeJS.ProcessEnv): InspectorOptions {
  const { address, token: said } = typeof setting === 'string' ? { address: setting } : setting;
  const at = networkAddress(address ?? DEFAULT_INSPECTOR);
  if (at === undefined) {
    throw new UserError(
      `Cannot show the inspector at ${address}: an address as ${DEFAULT_INSPECTOR} is wanted`,
    );
  }
  const token = environment[TOKEN_VARIABLE] || said;
  if (token !== undefined && !isInspectorToken(token)) {
    throw new UserError(
      `Cannot use ${TOKEN_VARIABLE}: ${LEAST_TOKEN_CHARACTERS} letters or digits are wanted`,
    );
  }
  return { ...at, token, mayMove: address === undefined };
}

/** Whether a text can be a token: what goes into a header field and a URL as it is. */
export function isInspectorToken(text: string): boolean {
  return text.length >= LEAST_TOKEN_CHARACTERS && /^[\w.~+/=-]+$/.test(text);
}
