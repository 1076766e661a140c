import type { Node } from 'libpg-query';

/** A statement of a script, as Postgres' own parser reads it, or why it cannot. */
export type ParsedScript = { readonly statements: readonly Node[] } | { readonly problem: string };

/** Makes the parser ready beside other work: the first script is then read at once. */
export function loadParser(): void {
  void import('libpg-query').then(({ loadModule }) => loadModule()).catch(() => undefined); // whoever parses hears of it
}

/** Reads a script with the parser of Postgres itself. It is loaded when the first one is read: it takes a while. */
export async function parseSql(script: string): Promise<ParsedScript> {
  const { parse } = await import('libpg-query');
  if (script.trim() === '') return { statements: [] };
  try {
    const { stmts = [] } = await parse(script);
    return { statements: stmts.flatMap(({ stmt }) => (stmt ? [stmt] : [])) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
