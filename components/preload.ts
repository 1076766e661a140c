import { readFileSync } from 'node:fs';
import Module from 'node:module';

import type * as esbuild from 'esbuild';

import { isUsedRarely } from './used-rarely.mjs';
import { whenUsed } from './when-used';

/*
 * Keeps Pulumi's SDK from loading what it needs rarely: that is loaded when it is first used. Given to Node.js with
 * `--require`, before the SDK: see `nodeargs` in Pulumi.yaml.
 */
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
  const get = (): object => load.call(this, request, parent, main);
  return isUsedRarely(request, parent?.filename ?? '') ? whenUsed(get) : get();
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
