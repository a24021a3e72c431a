/** A pattern for field paths: parts between dots; `*` is any part, `**` any number of parts, `a[*]` any item of `a`. */
export interface PathPattern {
  readonly text: string;
  readonly parts: readonly string[];
  /** It names one field and nothing else, through maps only. */
  readonly absolute: boolean;
}

export function parsePathPattern(text: string): PathPattern {
  const parts = text.split('.');
  return { text, parts, absolute: parts.every((part) => part !== '' && !/[*[]/.test(part)) };
}

/** Whether a pattern fits a path such as `spec.containers[0].image`. A key with dots counts as several parts. */
export function matchesPath({ parts }: PathPattern, path: string): boolean {
  // The positions in the pattern that the parts of the path so far lead to.
  let reached = skipped(parts, [0]);
  for (const part of path.split('.')) {
    const next = reached.flatMap((at) => {
      const pattern = parts[at];
      if (pattern === undefined) return [];
      if (pattern === '**') return [at];
      return pattern === '*' || matchesPart(pattern, part) ? [at + 1] : [];
    });
    reached = skipped(parts, next);
  }
  return reached.includes(parts.length);
}

/** `**` may stand for nothing. */
function skipped(parts: readonly string[], positions: readonly number[]): number[] {
  const all = new Set(positions);
  for (const at of all) if (parts[at] === '**') all.add(at + 1);
  return [...all];
}

function matchesPart(pattern: string, part: string): boolean {
  if (pattern === part) return true;
  const [name, index] = splitIndex(part);
  const [wantedName, wantedIndex] = splitIndex(pattern);
  if (index === undefined || wantedIndex === undefined) return false;
  return (wantedName === '*' || wantedName === name) && (wantedIndex === '*]' || wantedIndex === index);
}

function splitIndex(part: string): readonly [string, string | undefined] {
  const bracket = part.indexOf('[');
  return bracket < 0 ? [part, undefined] : [part.slice(0, bracket), part.slice(bracket + 1)];
}
