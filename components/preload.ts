import { readFileSync } from 'node:fs';
import Module from 'node:module';

import type * as esbuild from 'esbuild';

/**
 * Keeps Pulumi's SDK from loading, at each start, what it needs rarely: what serialises a function into the state (the
 * TypeScript compiler and npm's readers of packages, half of what it loads), and what installs and starts `pulumi`. It is
 * loaded when it is first used. Given to Node.js with `--require`, before the SDK: see `nodeargs` in Pulumi.yaml.
 */
const usedRarely = [
  {
    what: /^(@npmcli\/arborist|fdir|normalize-package-data)$|(^|\/)typescript-shim$/,
    by: /[/\\]@pulumi[/\\]pulumi[/\\]runtime[/\\]closure[/\\]/,
  },
  { what: /^(execa|tmp)$/, by: /[/\\]@pulumi[/\\]pulumi[/\\]automation[/\\]cmd\.js$/ },
];

type Load = (
  this: unknown,
  request: string,
  parent: { readonly filename?: string } | undefined,
  main: boolean,
) => object;

// The hook that tools like require-in-the-middle use; Node.js offers no public one for CommonJS before version 23.
const loader = Module as unknown as { _load: Load };
const load = loader._load;

loader._load = function (request, parent, main) {
  const isRare = usedRarely.some(({ what, by }) => what.test(request) && by.test(parent?.filename ?? ''));
  return isRare ? whenUsed(() => load.call(this, request, parent, main)) : load.call(this, request, parent, main);
};

/**
 * A program in TypeScript is read without its types being checked: that is for the editor, and takes a second at each
 * start. Only what belongs to the project itself: packages come compiled.
 */
const extensions = (Module as unknown as { _extensions: Record<string, Extension | undefined> })._extensions;
type Extension = (module: { _compile: (code: string, filename: string) => void }, filename: string) => void;

extensions['.ts'] ??= (module, filename) => {
  const { transformSync } = Module.createRequire(__filename)('esbuild') as typeof esbuild;
  const source = readFileSync(filename, 'utf8');
  const { code } = transformSync(source, { loader: 'ts', format: 'cjs', target: 'node20', sourcefile: filename });
  module._compile(code, filename);
};

/** Stands for a module until something of it is asked for. */
function whenUsed(get: () => object): object {
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
