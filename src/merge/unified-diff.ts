import { diffIndices } from 'node-diff3';

const CONTEXT = 3;

/**
 * The differences of two texts in the unified format, without file names; '' when there are none.
 */
export function unifiedDiff(before: string, after: string): string {
  const [a, b] = [linesOf(before), linesOf(after)];
  const hunks: Hunk[] = [];
  for (const { buffer1, buffer2 } of diffIndices(a, b)) {
    const change = { a: buffer1[0], removed: buffer1[1], b: buffer2[0], added: buffer2[1] };
    const last = hunks.at(-1);
    const previous = last?.changes.at(-1);
    if (last && previous && change.a - (previous.a + previous.removed) <= 2 * CONTEXT) last.changes.push(change);
    else hunks.push({ changes: [change] });
  }
  return hunks.map(({ changes }) => hunkText(changes, a, b)).join('');
}

interface Change {
  readonly a: number;
  readonly removed: number;
  readonly b: number;
  readonly added: number;
}

interface Hunk {
  readonly changes: Change[];
}

function hunkText(changes: readonly Change[], a: readonly string[], b: readonly string[]): string {
  const [first, last] = [changes[0] as Change, changes.at(-1) as Change];
  const start = Math.max(0, first.a - CONTEXT);
  const end = Math.min(a.length, last.a + last.removed + CONTEXT);
  const lines: string[] = [];
  let at = start;
  for (const change of changes) {
    lines.push(...marked(' ', a.slice(at, change.a)));
    lines.push(...marked('-', a.slice(change.a, change.a + change.removed)));
    lines.push(...marked('+', b.slice(change.b, change.b + change.added)));
    at = change.a + change.removed;
  }
  lines.push(...marked(' ', a.slice(at, end)));
  const startB = first.b - (first.a - start);
  const lengthB = last.b + last.added + (end - at) - startB;
  return `@@ -${range(start, end - start)} +${range(startB, lengthB)} @@\n${lines.join('')}`;
}

/** Lines count from 1, but an empty range names the line before it. */
function range(start: number, length: number): string {
  return `${length === 0 ? start : start + 1},${length}`;
}

function marked(mark: string, lines: readonly string[]): string[] {
  return lines.map((line) =>
    line.endsWith('\n') ? `${mark}${line}` : `${mark}${line}\n\\ No newline at end of file\n`,
  );
}

function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
