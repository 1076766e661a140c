/** A part of a script for psql. Texts are as they stand in the script. */
export type Piece =
  /** Before or between statements: a comment with the blank space before it. */
  | { readonly kind: 'comment'; readonly text: string; readonly line: number }
  /** A statement or, where it is long, a part of one. */
  | {
      readonly kind: 'statement';
      readonly text: string;
      readonly line: number;
      readonly begins: boolean;
      readonly ends: boolean;
    }
  /** A command of psql itself, `\connect shop`, with its line's end. */
  | { readonly kind: 'meta'; readonly text: string; readonly line: number }
  /** Lines of `COPY … FROM stdin`. */
  | { readonly kind: 'rows'; readonly text: string; readonly line: number; readonly rows: number }
  /** The `\.` after them. */
  | { readonly kind: 'end of rows'; readonly text: string; readonly line: number };

type State = 'sql' | 'text' | 'escaped text' | 'name' | 'dollar' | 'comment' | 'block comment' | 'meta' | 'rows';

/** Longer statements come in parts, of so many characters or more: the longest list of columns of COPY is shorter. */
const partLength = 256 * 1024;
/** So far psql may have to look ahead: the longest tag of a dollar quote, and its signs. */
const lookahead = 70;

const copyFromStdin = /^\s*COPY\s[\s\S]*\sFROM\s+stdin\b[^;]*;$/i;
const tagAt = /\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$/y;
const special = /['"$\\;()]|--|\/\*/g;
/** Statements with others in them: `BEGIN ATOMIC SELECT 1; END;` */
const routine = /^\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s/i;
const blockWords = /\b(?:begin|case|end)\b/gi;

/**
 * Takes a script apart as psql does, piece by piece, without keeping it: what stands in a text, a function's body, a comment
 * or a row is told from a statement and from a command of psql. Rules: src/fe_utils/psqlscan.l of Postgres.
 */
export class ScriptLexer {
  #buffer = '';
  #state: State = 'sql';
  #statement = '';
  #begins = true;
  #line = 1;
  /** Lines of commands of psql in the middle of the statement. */
  #linesWithin = 0;
  #tag = '';
  #depth = 0;
  #pieces: Piece[] = [];
  /** Whether a backslash in a plain text stands for itself. */
  #standardTexts = true;
  #comment = '';
  /** Open parentheses, and open blocks of a routine: within them a semicolon ends nothing. */
  #parentheses = 0;
  #blocks = 0;
  /** The last two characters of the statement: to look there itself would copy it each time. */
  #before = '';

  /** Takes the next characters. */
  push(text: string): Piece[] {
    this.#buffer += text;
    return this.#run(false);
  }

  /** The script has ended. */
  end(): Piece[] {
    return this.#run(true);
  }

  /** What has begun and not ended yet, in words; undefined where nothing has. */
  get unfinished(): string | undefined {
    if (this.#state === 'rows') return 'the rows of a table';
    if (this.#state !== 'sql') return 'a statement';
    return this.#statement.trim() === '' && this.#begins ? undefined : 'a statement';
  }

  #run(final: boolean): Piece[] {
    while (this.#buffer !== '' && this.#step(final)) {
      if (this.#statement.length > partLength) this.#give(false);
    }
    if (this.#statement.length > partLength) this.#give(false);
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  /** Goes as far as the state lasts; false if more characters are needed for that. */
  #step(final: boolean): boolean {
    switch (this.#state) {
      case 'sql':
        return this.#sql(final);
      case 'text':
        return this.#until(this.#buffer.indexOf("'"), 1, 0);
      case 'name':
        return this.#until(this.#buffer.indexOf('"'), 1, 0);
      case 'dollar':
        return this.#until(this.#buffer.indexOf(this.#tag), this.#tag.length, final ? 0 : this.#tag.length - 1);
      case 'escaped text':
        return this.#escapedText(final);
      case 'block comment':
        return this.#blockComment(final);
      case 'comment':
      case 'meta':
        return this.#restOfLine(final);
      case 'rows':
        return this.#rows(final);
    }
  }

  #sql(final: boolean): boolean {
    let limit = final ? this.#buffer.length : this.#buffer.length - lookahead;
    // Not in the middle of a word.
    for (let back = 0; !final && back < lookahead && /\w/.test(this.#buffer[limit - 1] ?? ''); back++) limit--;
    if (limit <= 0) return false;
    special.lastIndex = 0;
    const found = special.exec(this.#buffer);
    if (!found || found.index >= limit) {
      this.#code(limit);
      return final;
    }
    this.#code(found.index);
    const [sign] = found;
    const before = this.#before;
    if (sign === "'") {
      const isEscaped = /(^|[^\w\x80-\xff$])[eE]$/.test(before) || !this.#standardTexts;
      this.#take(1);
      this.#state = isEscaped ? 'escaped text' : 'text';
    } else if (sign === '"') {
      this.#take(1);
      this.#state = 'name';
    } else if (sign === '$') {
      tagAt.lastIndex = 0;
      const tag = /[\w\x80-\xff$]$/.test(before) ? undefined : tagAt.exec(this.#buffer)?.[0];
      this.#take(tag?.length ?? 1);
      if (tag !== undefined) [this.#state, this.#tag] = ['dollar', tag];
    } else if (sign === '--') {
      this.#state = 'comment';
    } else if (sign === '/*') {
      this.#comment = this.#statement;
      this.#take(2);
      [this.#state, this.#depth] = ['block comment', 1];
    } else if (sign === '\\') {
      this.#state = 'meta';
    } else {
      this.#take(1);
      if (sign === '(') this.#parentheses++;
      else if (sign === ')') this.#parentheses = Math.max(this.#parentheses - 1, 0);
      else if (this.#parentheses === 0 && this.#blocks === 0) this.#endStatement();
    }
    return true;
  }

  /** Takes what is neither a text, a name, a body nor a comment. */
  #code(length: number): void {
    const words = this.#buffer.slice(0, length).match(blockWords);
    this.#take(length);
    if (!words || !this.#begins || !routine.test(this.#statement)) return;
    for (const word of words) {
      if (/end/i.test(word)) this.#blocks = Math.max(this.#blocks - 1, 0);
      else if (/begin/i.test(word) || this.#blocks > 0) this.#blocks++;
    }
  }

  #endStatement(): void {
    const head = this.#statement;
    const isCopy = this.#begins && copyFromStdin.test(head);
    const standard = /^\s*SET\s+standard_conforming_strings\s*(?:=|TO)\s*'?(\w+)/i.exec(head)?.[1];
    if (standard !== undefined) this.#standardTexts = /^(on|true|yes|1)$/i.test(standard);
    this.#give(true);
    if (isCopy) this.#state = 'rows';
  }

  /** Up to the end of a text or name. */
  #until(at: number, length: number, keep: number): boolean {
    if (at < 0) {
      this.#take(Math.max(this.#buffer.length - keep, 0));
      return false;
    }
    this.#take(at + length);
    this.#state = 'sql';
    return true;
  }

  #escapedText(final: boolean): boolean {
    const at = this.#buffer.search(/['\\]/);
    if (at < 0) {
      this.#take(this.#buffer.length);
      return false;
    }
    if (at + 1 >= this.#buffer.length && !final) {
      this.#take(at);
      return false;
    }
    const isEnd = this.#buffer[at] === "'" && this.#buffer[at + 1] !== "'";
    this.#take(isEnd ? at + 1 : at + 2);
    if (isEnd) this.#state = 'sql';
    return true;
  }

  #blockComment(final: boolean): boolean {
    const at = this.#buffer.search(/\/\*|\*\//);
    if (at < 0) {
      this.#take(Math.max(this.#buffer.length - (final ? 0 : 1), 0));
      return false;
    }
    this.#depth += this.#buffer[at] === '/' ? 1 : -1;
    this.#take(at + 2);
    if (this.#depth > 0) return true;
    this.#state = 'sql';
    if (this.#begins && this.#comment.trim() === '') this.#giveComment(0);
    return true;
  }

  #restOfLine(final: boolean): boolean {
    const at = this.#buffer.indexOf('\n');
    if (at < 0 && !final) return false;
    const length = at < 0 ? this.#buffer.length : at + 1;
    const isMeta = this.#state === 'meta';
    this.#state = 'sql';
    if (isMeta) {
      const text = this.#buffer.slice(0, length);
      const line = this.#line + count(this.#statement);
      if (this.#begins && this.#statement.trim() === '') this.#giveComment(0);
      this.#pieces.push({ kind: 'meta', text, line });
      this.#buffer = this.#buffer.slice(length);
      this.#line += count(text);
      if (this.#statement !== '') this.#linesWithin += count(text);
    } else if (this.#begins && this.#statement.trim() === '') this.#giveComment(length);
    else this.#take(length);
    return true;
  }

  #rows(final: boolean): boolean {
    // The rest of the line that the statement stands on, then whole lines up to one that is only a backslash and a dot.
    const at = this.#buffer.startsWith('\\.\n') ? 0 : this.#buffer.indexOf('\n\\.\n') + 1;
    const isEnd = at > 0 || this.#buffer.startsWith('\\.\n');
    const isLast = !isEnd && final && /(^|\n)\\\.$/.test(this.#buffer);
    const length = isEnd ? at : isLast ? this.#buffer.length - 2 : this.#buffer.lastIndexOf('\n') + 1;
    if (length > 0) {
      const text = this.#buffer.slice(0, length);
      const lines = count(text);
      this.#pieces.push({ kind: 'rows', text, line: this.#line, rows: this.#tag === 'rows' ? lines : lines - 1 });
      this.#tag = 'rows';
      this.#line += lines;
      this.#buffer = this.#buffer.slice(length);
    }
    if (!isEnd && !isLast) return false;
    const text = this.#buffer.slice(0, isEnd ? 3 : 2);
    this.#pieces.push({ kind: 'end of rows', text, line: this.#line });
    this.#buffer = this.#buffer.slice(text.length);
    this.#line++;
    [this.#state, this.#tag] = ['sql', ''];
    return true;
  }

  #take(length: number): void {
    const text = this.#buffer.slice(0, length);
    this.#statement += text;
    this.#before = (this.#before + text.slice(-2)).slice(-2);
    this.#buffer = this.#buffer.slice(length);
  }

  #give(ends: boolean): void {
    const text = this.#statement;
    const line = this.#line - this.#linesWithin + leadingLines(text);
    this.#pieces.push({ kind: 'statement', text, line, begins: this.#begins, ends });
    this.#line += count(text);
    this.#linesWithin = 0;
    [this.#statement, this.#begins] = ['', ends];
    if (ends) [this.#tag, this.#before, this.#parentheses, this.#blocks] = ['', '', 0, 0];
  }

  #giveComment(length: number): void {
    this.#take(length);
    const text = this.#statement;
    this.#statement = '';
    if (text === '') return;
    this.#pieces.push({ kind: 'comment', text, line: this.#line + leadingLines(text) });
    this.#line += count(text);
  }
}

function count(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}

function leadingLines(text: string): number {
  return count(/^\s*/.exec(text)![0]);
}
