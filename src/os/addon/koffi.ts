import { createRequire } from 'node:module';
import type koffi from 'koffi';

type Koffi = typeof koffi;

/**
 * Loads koffi, when it is first needed: that takes some 10 ms, and importing iolite has to work without.
 *
 * Both ways in which it is named are there to be read by others. This file stays as it is in the package, for
 * bundlers follow a `require` that nobody declared, and tracers the one that is made below; neither sees what
 * a name stands for that is passed on or made otherwise.
 * @throws what Node.js says, or koffi
 */
export function loadKoffi(): Koffi {
  if (typeof require !== 'function') return requireHere();
  try {
    return require('koffi') as Koffi;
  } catch (error) {
    // In a bundle of ES modules a stand-in refuses all that it is asked for, which may be there nevertheless.
    if (import.meta.url === undefined) throw error;
    return requireHere();
  }
}

function requireHere(): Koffi {
  const require = createRequire(import.meta.url);
  return require('koffi');
}

/**
 * The binaries of koffi for this processor. It computes the names by which it asks for them: a tracer reads
 * them here, and copies the files.
 */
function binaries(): (() => unknown)[] {
  const require = createRequire(import.meta.url);
  return process.arch === 'arm64'
    ? [
        () => require('@koromix/koffi-linux-arm64/linux_arm64/koffi.node'),
        () => require('@koromix/koffi-linux-arm64/musl_arm64/koffi.node'),
      ]
    : [
        () => require('@koromix/koffi-linux-x64/linux_x64/koffi.node'),
        () => require('@koromix/koffi-linux-x64/musl_x64/koffi.node'),
      ];
}

/** What is wrong with koffi's binaries, for it does not say. Undefined where one can be loaded or none is. */
function binaryProblem(): string | undefined {
  if (import.meta.url === undefined) return undefined;
  for (const load of binaries()) {
    try {
      load();
      return undefined;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'MODULE_NOT_FOUND') return message;
    }
  }
  return undefined;
}

/** Why koffi could not be loaded on Linux, and what helps. @param cause what {@link loadKoffi} threw */
export function koffiProblem(cause: unknown): string {
  const { code, message = String(cause) } = cause as NodeJS.ErrnoException;
  if (code === 'MODULE_NOT_FOUND' && /'koffi'/.test(message))
    return 'koffi is not installed where this module looks for it; install it, and keep it out of bundles';
  const hasNoBinary = code === 'MODULE_NOT_FOUND' || /^Cannot find the native Koffi module/.test(message);
  const why = hasNoBinary ? binaryProblem() : message;
  if (why === undefined) {
    const name = `@koromix/koffi-linux-${process.arch}`;
    return `koffi's binary is missing; install optional packages (${name}), and keep koffi out of bundles`;
  }
  const hint = code === 'ERR_DLOPEN_DISABLED' ? '; start Node.js with --allow-addons' : '';
  return `koffi cannot be loaded: ${why.replace(/\.?(\n.*)?$/s, '')}${hint}`;
}
