/**
 * A run of a file's text. Separators (markers, directives, comment-only and empty documents) and documents alternate
 * freely; all texts joined are the file.
 */
export interface Piece {
  readonly text: string;
  /** 0-based line of the file at which the text starts. */
  readonly line: number;
  /** 0-based column of the text's start; not 0 only for content behind a `---` marker. */
  readonly column: number;
  readonly kind: 'document' | 'separator';
  /** `%` directives that hold for the document. */
  readonly directives: string;
}

const MARKER = /^(?:---|\.\.\.)(?=[ \t\r\n]|$)/;
const BLANK_OR_COMMENT = /^[ \t]*(?:#.*)?\r?\n?$/;

/**
 * Splits a YAML file into documents by text alone: `---` and `...` at column 0 end a document wherever they stand
 * (YAML 1.2, 9.1.2), also inside block scalars.
 * @param text the file without its byte order mark
 */
export function splitDocuments(text: string): Piece[] {
  const splitter = new Splitter();
  let line = 0;
  for (let start = 0; start < text.length; line += 1) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline + 1;
    splitter.line(text.slice(start, end), line);
    start = end;
  }
  return splitter.finish();
}

class Splitter {
  readonly #pieces: Piece[] = [];
  #text: string[] = [];
  #startLine = 0;
  #startColumn = 0;
  #hasData = false;
  #directives = '';
  /** Directives may stand at the start of the file and after `...`. */
  #directivesAllowed = true;

  line(line: string, number: number): void {
    const marker = MARKER.exec(line)?.[0];
    if (marker !== undefined) this.#marker(marker, line, number);
    else if (!this.#hasData && this.#directivesAllowed && line.startsWith('%')) {
      this.#add(line, number);
      this.#directives += line;
    } else {
      this.#hasData ||= !BLANK_OR_COMMENT.test(line);
      this.#add(line, number);
    }
  }

  finish(): Piece[] {
    this.#flush();
    return this.#pieces;
  }

  #marker(marker: string, line: string, number: number): void {
    const directives = this.#hasData ? '' : this.#directives;
    this.#flush();
    this.#directives = marker === '---' ? directives : '';
    this.#directivesAllowed = marker === '...';
    const rest = line.slice(marker.length);
    if (BLANK_OR_COMMENT.test(rest)) {
      this.#separator(line, number);
      return;
    }
    const space = /^[ \t]*/.exec(rest)?.[0].length ?? 0;
    const content = marker.length + space;
    this.#separator(line.slice(0, content), number);
    this.#add(line.slice(content), number, content);
    this.#hasData = true;
  }

  #add(text: string, line: number, column = 0): void {
    if (this.#text.length === 0) {
      this.#startLine = line;
      this.#startColumn = column;
    }
    this.#text.push(text);
  }

  #separator(text: string, line: number): void {
    this.#pieces.push({ text, line, column: 0, kind: 'separator', directives: '' });
  }

  #flush(): void {
    if (this.#text.length > 0) {
      this.#pieces.push({
        text: this.#text.join(''),
        line: this.#startLine,
        column: this.#startColumn,
        kind: this.#hasData ? 'document' : 'separator',
        directives: this.#hasData ? this.#directives : '',
      });
    }
    this.#text = [];
    this.#hasData = false;
    this.#directives = '';
  }
}
