/** Wraps a cell in colours; must not change its width. */
export type Paint = (cell: string, row: number, column: number) => string;

/** Left-aligned columns, two spaces apart, no trailing blanks. @param paint for the rows, not the header */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint = (cell) => cell,
): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[], row: number): string =>
    cells
      .map((cell, column) => {
        const padded = column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0);
        return row < 0 ? padded : paint(padded, row, column);
      })
      .join('  ')
      .trimEnd();
  return [line(header, -1), ...rows.map(line)].join('\n');
}
