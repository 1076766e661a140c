/** Stands for a module until something of it is asked for. */
export function whenUsed(get: () => object): object {
  let module: object | undefined;
  return new Proxy(
    // A module may be a function.
    () => undefined,
    {
      apply: (_, self, args: unknown[]): unknown => Reflect.apply((module ??= get()) as () => unknown, self, args),
      get: (_, key): unknown => {
        // Asked for by compiled imports, to know whether there is a default export to make up: this makes it up by itself.
        if (key === '__esModule') return true;
        module ??= get();
        return key === 'default' && !('__esModule' in module) ? module : Reflect.get(module, key);
      },
      has: (_, key) => Reflect.has((module ??= get()), key),
    },
  );
}
