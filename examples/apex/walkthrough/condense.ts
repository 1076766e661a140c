/**
 * What `pulumi up` says of containers, networks and volumes, one short line each; undefined for lines in between
 * (started, components, dots).
 */
export function condenseProgress(line: string): string | undefined {
  const match =
    /^\s*([+~-]{1,2})\s+docker:index:(Container|Network|Volume)\s+(\S+)\s+(created|updated|deleted|deleted original|created replacement)\s+\(([\d.]+m?s)\)/.exec(
      line,
    );
  if (!match) return undefined;
  const [, , kind, name, done, time] = match;
  const what = { created: 'created', 'created replacement': 'new', 'deleted original': 'stopped', updated: 'changed' }[
    done!
  ];
  return `${kind!.toLowerCase().padEnd(9)} ${name!.padEnd(28)} ${(what ?? done!).padEnd(8)} ${time!}`;
}

/**
 * What changes in the output of `pulumi preview --diff`, without IDs and URNs: the name of a resource, which is the end
 * of its URN, moves to the line that says what happens to it.
 */
export function condenseDiff(output: string): string[] {
  const lines: string[] = [];
  for (const line of output.split('\n')) {
    const urn = /^\s*\[urn=.*::([^:\]]+)\]/.exec(line);
    const last = lines.at(-1);
    if (urn && last?.endsWith(')')) lines[lines.length - 1] = `${last} ${urn[1]!}`;
    else if (/^\s*[~+-]|^Resources:|^\s+\d+ changes/.test(line)) {
      lines.push(line.replace(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/g, '$1…'));
    }
  }
  return lines;
}
