/** Quotes a word for sh and its descendants: nothing in it is expanded. */
export function quotePosix(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** A text as a shell takes it for one word: quoted, unless it needs no quotes. */
export function shellWord(text: string): string {
  return /^[\w./,@-]+$/.test(text) ? text : quotePosix(text);
}
