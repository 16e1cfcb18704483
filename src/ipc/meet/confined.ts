import { describe, IoliteError } from '../../base/error.ts';
import type { FileAccess } from '../../os/confine/landlock.ts';
import { programFile } from './program-file.ts';

/** What a confined child's launcher is told by. */
const CONFINEMENT_VARIABLE = 'IOLITE_CONFINEMENT';

/** What a launcher is to do. */
export interface Confinement extends FileAccess {
  /** Numbers of the descriptors that the child inherits. */
  readonly descriptors: readonly number[];
}

/** The program that confines itself and becomes the child. @throws ERR_IOLITE_UNSUPPORTED in bundles */
export function launcherUrl(): URL {
  return programFile('Cannot confine a child', () => {
    const name = import.meta.url.endsWith('.ts') ? './launcher.ts' : './launcher.js';
    return new URL(name, import.meta.url);
  });
}

/** An environment that tells a launcher what to do. */
export function withConfinement(env: NodeJS.ProcessEnv, confinement: Confinement): NodeJS.ProcessEnv {
  return { ...env, [CONFINEMENT_VARIABLE]: JSON.stringify(confinement) };
}

/**
 * What the environment tells a launcher, which is taken out of it. @throws ERR_IOLITE_ARGUMENT when it is no
 * launcher's
 */
export function takeConfinement(env: NodeJS.ProcessEnv): Confinement {
  const { [CONFINEMENT_VARIABLE]: told } = env;
  delete env[CONFINEMENT_VARIABLE];
  if (told === undefined) {
    throw new IoliteError(
      'ERR_IOLITE_ARGUMENT',
      `Cannot confine this process: ${CONFINEMENT_VARIABLE} is wanted, ${describe(told)} was given`,
    );
  }
  return JSON.parse(told) as Confinement;
}
