import { columnOf, lineEnd, lineStart } from './source-tree.ts';
import { blockEnd, ownCommentStart, type Place, type SpliceContext } from './splice-context.ts';

/** An entry or item of a block collection: from its key or dash to the end of its value. */
export interface BlockPart {
  readonly start: number;
  readonly end: number;
}

/**
 * The lines of a block collection's parts. A part owns the comment lines directly above it and the deeper ones below
 * it; blank lines and comments set off by them lie between parts and belong to none.
 */
export class BlockLines {
  readonly column: number;
  /** The first part begins behind a dash or marker, not on a line of its own. */
  readonly inlineFirst: boolean;
  readonly #source: string;
  readonly #parts: readonly BlockPart[];
  readonly #ends: readonly number[];
  readonly #firstBound: number;

  /** @param parts at least one */
  constructor(source: string, parts: readonly BlockPart[], place: Place) {
    const first = parts[0] as BlockPart;
    this.#source = source;
    this.#parts = parts;
    this.column = columnOf(source, first.start);
    this.inlineFirst = !/^[ \t]*$/.test(source.slice(lineStart(source, first.start), first.start));
    this.#ends = parts.map((part) => blockEnd(source, part.end, this.column));
    // Comments above a document's first key are the file's header.
    this.#firstBound = 'after' in place ? lineEnd(source, place.after) : lineStart(source, first.start);
  }

  /** Offset at which the part's own lines begin. */
  start(index: number): number {
    const bound = index === 0 ? this.#firstBound : this.end(index - 1);
    return ownCommentStart(this.#source, this.#start(index), bound, this.column);
  }

  /** Offset behind the part's own lines. */
  end(index: number): number {
    return this.#ends[index] ?? 0;
  }

  get lastEnd(): number {
    return this.#ends.at(-1) ?? 0;
  }

  /** Removes parts, of which at least one is kept. */
  remove(context: SpliceContext, removed: ReadonlySet<number>): void {
    let from = 0;
    if (this.inlineFirst && removed.has(0)) {
      while (removed.has(from)) from += 1;
      // What follows moves up behind the dash.
      const begin = this.start(from);
      const indent = /^[ \t]*/.exec(this.#source.slice(begin))?.[0].length ?? 0;
      context.edit(this.#start(0), begin + indent, '');
    }
    for (const index of removed) {
      if (index >= from) context.edit(this.start(index), this.#removalEnd(index), '');
    }
  }

  /** Blank lines below go along when blank lines or nothing stand above, so that none pile up. */
  #removalEnd(index: number): number {
    const end = this.end(index);
    if (index === this.#parts.length - 1) return end;
    const above = this.#source.slice(lineStart(this.#source, Math.max(0, this.start(index) - 1)), this.start(index));
    if (index > 0 && above.trim() !== '') return end;
    const blank = /^(?:[ \t]*\r?\n)*/.exec(this.#source.slice(end, this.start(index + 1)))?.[0] ?? '';
    return end + blank.length;
  }

  #start(index: number): number {
    return this.#parts[index]?.start ?? 0;
  }
}
