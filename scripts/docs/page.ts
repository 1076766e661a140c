/** A page of the documentation that is made from the sources. */
export interface Page {
  /** Path of the file, relative to the root of the repository. */
  readonly file: string;
  /** The page as Markdown; how it is laid out does not matter. */
  render(): string;
}

/** Says in a page where it comes from. */
export function notice(source: string): string {
  return `<!-- Made from ${source} by \`npm run docs\`: change that file, not this one. -->`;
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
