import { ArgumentError, describe } from '../../base/error.ts';
import type { TaskFunction } from './task-context.ts';

/** The functions that a worker's module exports, by name. */
export class TaskFunctions {
  readonly #module: string;
  readonly #exports: object;
  /** That of a module in CommonJS has all of its exports; or it is the function. */
  readonly #default: unknown;
  readonly #known = new Map<string, TaskFunction>();

  private constructor(module: string, exports: object, main: unknown) {
    this.#module = module;
    this.#exports = exports;
    this.#default = main;
  }

  /**
   * Loads a module. One whose default export is a promise is waited for. @param module a URL @throws what
   * loading it throws
   */
  static async load(module: string): Promise<TaskFunctions> {
    const exports = (await import(module)) as { default?: unknown };
    return new TaskFunctions(module, exports, await exports.default);
  }

  /** @throws ERR_IOLITE_ARGUMENT when it exports none of that name */
  named(name: string): TaskFunction {
    const known = this.#known.get(name) ?? this.#find(name);
    this.#known.set(name, known);
    return known;
  }

  #find(name: string): TaskFunction {
    const found = name === 'default' ? this.#main() : (own(this.#exports, name) ?? own(this.#default, name));
    if (typeof found === 'function') return found as TaskFunction;
    throw new ArgumentError(
      `Cannot run task: a function is wanted as export '${name}' of ${this.#module}, ` +
        `${describe(found)} was given`,
    );
  }

  #main(): unknown {
    return typeof this.#default === 'function' ? this.#default : own(this.#default, 'default');
  }
}

/** A member that an object has itself: names come from tasks. */
function own(object: unknown, name: string): unknown {
  const isObject = (typeof object === 'object' || typeof object === 'function') && object !== null;
  return isObject && Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined;
}
