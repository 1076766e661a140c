/**
 * Text of a definition, the same before and after it was dumped and restored. The server shows a list of texts as it was
 * understood, and understands that otherwise when it reads it again: `(ARRAY['a'::character varying])::text[]` becomes
 * `ARRAY[('a'::character varying)::text]`. Every `CHECK (state IN ('a', 'b'))` on a varchar column has one.
 */
export function normalForm(definition: string): string {
  let text = definition;
  for (let at = text.indexOf(opening); at >= 0; at = text.indexOf(opening, at + 1)) {
    const list = elements(text, at + opening.length);
    if (!list) continue;
    const [, cast] = /^\)::((?:"(?:[^"]|"")+"|[\w. ])+(?:\(\d+(?:,\d+)?\))?)\[\]/.exec(text.slice(list.end)) ?? [];
    if (cast === undefined) continue;
    const rest = text.slice(list.end + `)::${cast}[]`.length);
    text = `${text.slice(0, at)}ARRAY[${list.items.map((item) => `(${item})::${cast}`).join(', ')}]${rest}`;
  }
  return text;
}

const opening = '(ARRAY[';

/** The elements of a list, from behind its opening bracket to behind its closing one; undefined if there is none. */
function elements(text: string, start: number): { readonly items: string[]; readonly end: number } | undefined {
  const items: string[] = [];
  let [depth, begin] = [0, start];
  for (let at = start; at < text.length; at++) {
    const character = text[at]!;
    if (character === "'" || character === '"') {
      at = text.indexOf(character, at + 1); // a doubled quote ends a text and begins another at once
      if (at < 0) return undefined;
    } else if (character === '(' || character === '[') depth++;
    else if (character === ']' && depth === 0) {
      items.push(text.slice(begin, at).trim());
      return { items, end: at + 1 };
    } else if (character === ')' || character === ']') depth--;
    else if (character === ',' && depth === 0) {
      items.push(text.slice(begin, at).trim());
      begin = at + 1;
    }
  }
  return undefined;
}
