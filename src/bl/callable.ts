/** The initial part of a constructor, which finds its object in `this`. */
type Begin<Args extends unknown[]> = (this: never, ...args: Args) => void;

/**
 * Makes of a class a constructor as those of bl were until version 6, which were functions: it is called with
 * `new` or without, and by the constructor of a class that inherits by `util.inherits`. Classes extend it.
 * @param Class whose methods and statics it has; its own constructor is never run, so that it has no fields
 * @param name what it is called
 * @param begin what is run for each new object
 */
export function callable<Args extends unknown[]>(
  Class: { readonly prototype: object },
  name: string,
  begin: Begin<Args>,
): unknown {
  function Constructor(this: unknown, ...args: Args): unknown {
    if (!(this instanceof Constructor)) return Reflect.construct(Constructor, args);
    begin.apply(this as never, args);
    return undefined;
  }
  const { length: _length, prototype: _prototype, ...statics } = Object.getOwnPropertyDescriptors(Class);
  Object.defineProperties(Constructor, { ...statics, name: { value: name, configurable: true } });
  Object.setPrototypeOf(Constructor, Object.getPrototypeOf(Class));
  Constructor.prototype = Class.prototype;
  Object.defineProperty(Class.prototype, 'constructor', {
    value: Constructor,
    writable: true,
    configurable: true,
  });
  return Constructor;
}
