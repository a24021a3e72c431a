/** Versions from `from` up to, not including, `to`, as keys of `versionKey`. */
interface Interval {
  readonly from: number;
  readonly to: number;
}

const LIMIT = 90_000;
const EVERYTHING: Interval = { from: 0, to: versionKey(LIMIT, 0, 0) };
const VERSION = /^v?(\d{1,5})\.(\d{1,5})\.(\d{1,5})$/;
const PARTIAL = /^v?(\d{1,5}|[xX*])(?:\.(\d{1,5}|[xX*]))?(?:\.(\d{1,5}|[xX*]))?$/;
const COMPARATOR = /(>=|<=|!=|=|>|<|~>?|\^)?\s*(v?[\dxX*][\w.*]*)/g;

/** Orders release versions as numbers; parts below 100,000 keep it exact. */
function versionKey(major: number, minor: number, patch: number): number {
  return (major * 100_000 + minor) * 100_000 + patch;
}

/** True for `1.2.3` and `v1.2.3`; pre-releases and build metadata are none. */
export function isVersion(text: string): boolean {
  return VERSION.test(text);
}

/**
 * A set of release versions: `>=0.1.0 <0.5.0`, `~0.4`, `^1.2`, `0.2.x`, `1.2`, `1.0.0 - 1.4.0`, alternatives with
 * `||`; comparators that belong together are separated by spaces or commas. Pre-releases are in no range.
 */
export class VersionRange {
  readonly #intervals: readonly Interval[];

  private constructor(intervals: readonly Interval[]) {
    this.#intervals = intervals;
  }

  /** undefined when `text` is no range */
  static parse(text: string): VersionRange | undefined {
    const intervals: Interval[] = [];
    for (const alternative of text.split('||')) {
      const parsed = parseAlternative(alternative.trim());
      if (parsed === undefined) return undefined;
      intervals.push(...parsed);
    }
    return new VersionRange(intervals);
  }

  /** Whether some version is in both ranges. */
  intersects(other: VersionRange): boolean {
    return this.#intervals.some((a) => other.#intervals.some((b) => Math.max(a.from, b.from) < Math.min(a.to, b.to)));
  }
}

function parseAlternative(text: string): Interval[] | undefined {
  const hyphen = /^(\S+)\s+-\s+(\S+)$/.exec(text);
  const comparators = hyphen ? `>=${hyphen[1]} <=${hyphen[2]}` : text;
  if (comparators === '' || comparators.replaceAll(COMPARATOR, '').replaceAll(/[\s,]/g, '') !== '') return undefined;
  let intervals = [EVERYTHING];
  for (const [, operator = '', version = ''] of comparators.matchAll(COMPARATOR)) {
    const allowed = parseComparator(operator, version);
    if (allowed === undefined) return undefined;
    intervals = intervals.flatMap((a) =>
      allowed.map((b) => ({ from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) })),
    );
  }
  return intervals.filter(({ from, to }) => from < to);
}

function parseComparator(operator: string, version: string): Interval[] | undefined {
  const parts = PARTIAL.exec(version)?.slice(1);
  if (parts === undefined) return undefined;
  const [major, minor, patch] = parts.map((part) =>
    part === undefined || /[xX*]/.test(part) ? undefined : Number(part),
  );
  if (major === undefined) return [EVERYTHING];
  const from = versionKey(major, minor ?? 0, patch ?? 0);
  const nextMajor = versionKey(major + 1, 0, 0);
  const nextMinor = minor === undefined ? nextMajor : versionKey(major, minor + 1, 0);
  const next = patch === undefined ? nextMinor : from + 1;
  switch (operator) {
    case '>=':
      return [{ from, to: EVERYTHING.to }];
    case '>':
      return [{ from: next, to: EVERYTHING.to }];
    case '<':
      return [{ from: 0, to: from }];
    case '<=':
      return [{ from: 0, to: next }];
    case '!=':
      return [
        { from: 0, to: from },
        { from: next, to: EVERYTHING.to },
      ];
    case '~':
    case '~>':
      return [{ from, to: nextMinor }];
    case '^':
      return [
        {
          from,
          to: major > 0 || minor === undefined ? nextMajor : minor > 0 || patch === undefined ? nextMinor : next,
        },
      ];
    default:
      return [{ from, to: next }];
  }
}
