import { setFlagsFromString } from 'node:v8';

import type * as Parser from 'libpg-query';
import type { Node } from 'libpg-query';

/** A statement of a script, as Postgres' own parser reads it, or why it cannot. */
export type ParsedScript = { readonly statements: readonly Node[] } | { readonly problem: string };

/** Makes the parser ready beside other work: the first script is then read at once. */
export function loadParser(): void {
  void parser().catch(() => undefined); // whoever parses hears of it
}

/** Reads a script with the parser of Postgres itself. It is loaded when the first one is read: it takes a while. */
export async function parseSql(script: string): Promise<ParsedScript> {
  const { parse } = await parser();
  if (script.trim() === '') return { statements: [] };
  try {
    const { stmts = [] } = await parse(script);
    return { statements: stmts.flatMap(({ stmt }) => (stmt ? [stmt] : [])) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

let loading: Promise<typeof Parser> | undefined;

function parser(): NonNullable<typeof loading> {
  return (loading ??= load());
}

/**
 * How much V8 has run of a WebAssembly function, roughly in bytes, before it compiles that once more and better, by version of V8:
 * `node --v8-options` of Node.js 20, 22 and 24.
 */
const usualBudgets: Readonly<Record<string, number>> = { '11.3': 1_800_000, '12.4': 13_000_000, '13.6': 13_000_000 };

/** The migrations of a release have run less by far; a script of a megabyte has run more. */
const budget = 180_000_000;

/**
 * Loads the parser so that V8 does not compile it once more for a few statements, which takes a third of a second of a
 * processor. https://v8.dev/docs/wasm-compilation-pipeline
 */
async function load(): Promise<typeof Parser> {
  const module = await import('libpg-query');
  const usual = usualBudgets[process.versions.v8.split('.', 2).join('.')];
  if (usual === undefined) {
    await module.loadModule();
    return module;
  }
  setFlagsFromString(`--wasm-tiering-budget=${budget}`);
  try {
    await module.loadModule();
  } finally {
    // Compiled code that is kept counts only among the flags with which it was made.
    setFlagsFromString(`--wasm-tiering-budget=${usual}`);
  }
  return module;
}
