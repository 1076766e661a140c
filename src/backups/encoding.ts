/** How the text of a dump is written. */
export interface TextForm {
  readonly encoding: 'utf-8' | 'utf-16le' | 'utf-16be';
  /** Length of its mark at the beginning, in bytes. */
  readonly markBytes: number;
  /** Whether its lines end with CR LF. */
  readonly hasCarriageReturns: boolean;
}

/** How a text is written, by how it begins. */
export function textFormOf(head: Buffer): TextForm {
  const [encoding, markBytes] = encodingOf(head);
  const start = decode(head.subarray(markBytes, markBytes + 8192), encoding);
  return { encoding, markBytes, hasCarriageReturns: /^[^\n]*\r\n/.test(start) };
}

function encodingOf(head: Buffer): [TextForm['encoding'], number] {
  if (head[0] === 0xff && head[1] === 0xfe) return ['utf-16le', 2];
  if (head[0] === 0xfe && head[1] === 0xff) return ['utf-16be', 2];
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return ['utf-8', 3];
  // Without a mark: a dump begins with ASCII, of which every other byte is zero.
  if (head.length >= 4 && head[1] === 0 && head[3] === 0 && head[0] !== 0) return ['utf-16le', 0];
  if (head.length >= 4 && head[0] === 0 && head[2] === 0 && head[1] !== 0) return ['utf-16be', 0];
  return ['utf-8', 0];
}

/** The beginning of a text, for looking at it. */
export function textStart(head: Buffer, { encoding, markBytes }: TextForm): string {
  return decode(head.subarray(markBytes), encoding);
}

function decode(bytes: Buffer, encoding: TextForm['encoding']): string {
  return new TextDecoder(encoding).decode(bytes, { stream: true });
}

/**
 * The text of a dump as pg_dump has written it: UTF-16 becomes UTF-8, CR LF becomes LF. Bytes come out as `latin1`, one
 * character each, so that nothing is lost of an encoding that is not known.
 *
 * Where the first line ends with CR LF, something on the way has ended every line so: a redirect in PowerShell, a terminal
 * (`docker exec -t`), a transfer in text mode. pg_dump itself never does. Taking all of them back is right inside of the
 * rows of COPY, too: there a CR of a value is written `\r` and a line feed `\n`, so that a bare CR before a line's end can
 * only have come from the conversion. Where the first line ends with LF, every CR is the data's own (a function body that
 * was written on Windows), and stays.
 *
 * @throws TypeError where UTF-16 is none
 */
export async function* dumpText(source: AsyncIterable<Buffer>, form: TextForm): AsyncGenerator<string> {
  const decoder = form.encoding === 'utf-8' ? undefined : new TextDecoder(form.encoding, { fatal: true });
  let skip = form.markBytes;
  let held = '';
  const convert = (text: string): string => {
    if (!form.hasCarriageReturns) return text;
    const whole = held + text;
    held = whole.endsWith('\r') ? '\r' : '';
    return whole.slice(0, whole.length - held.length).replaceAll('\r\n', '\n');
  };
  for await (const chunk of source) {
    const bytes = skip === 0 ? chunk : chunk.subarray(skip);
    skip -= chunk.length - bytes.length;
    if (!decoder) yield convert(bytes.toString('latin1'));
    else yield convert(Buffer.from(decoder.decode(bytes, { stream: true }), 'utf8').toString('latin1'));
  }
  decoder?.decode();
  if (held !== '') yield held;
}

/** Whether a dump comes out in another encoding than it says of itself. */
export function isRecoded({ encoding }: TextForm): boolean {
  return encoding !== 'utf-8';
}
