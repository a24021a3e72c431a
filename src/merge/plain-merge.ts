import { diff3Merge } from 'node-diff3';
import { filesEqual } from '../package/file.ts';
import type { PackageFile } from '../package/types.ts';
import type { FileSides } from './classify.ts';
import type { MergeConflict } from './types.ts';

export interface PlainMerge {
  /** Undefined when the file is not there afterwards. */
  readonly file: PackageFile | undefined;
  readonly conflict?: MergeConflict;
}

/** Longest text, in lines, that is merged line by line; the comparison takes time by the square of what differs. */
const MAX_LINES = 5_000;

/**
 * Merges a file that holds no resources. What one side left alone follows the other; text that both changed merges by
 * line where the changes do not touch each other. Else the local file stays, and a file that was deleted locally stays
 * deleted.
 */
export function mergePlainFile(path: string, { base, local, updated }: FileSides, isText: boolean): PlainMerge {
  if (same(base, updated) || same(local, updated)) return { file: local };
  if (same(base, local)) return { file: updated };
  if (!local) return { file: undefined, conflict: { file: path, resolution: 'deleted' } };
  if (!updated) return { file: local, conflict: { file: path, resolution: 'kept' } };
  const mode = base && base.mode === local.mode ? updated.mode : local.mode;
  const merged = isText && base ? mergeText(base, local, updated) : undefined;
  if (merged) return { file: { bytes: merged, mode } };
  return { file: local, conflict: { file: path, resolution: 'local' } };
}

function mergeText(base: PackageFile, local: PackageFile, updated: PackageFile): Uint8Array | undefined {
  const [o, l, u] = [base, local, updated].map(({ bytes }) => linesOf(new TextDecoder().decode(bytes)));
  if (!o || !l || !u || Math.max(o.length, l.length, u.length) > MAX_LINES) return undefined;
  const regions = diff3Merge(l, o, u, { excludeFalseConflicts: true });
  if (regions.some((region) => region.conflict !== undefined)) return undefined;
  return new TextEncoder().encode(regions.flatMap((region) => region.ok ?? []).join(''));
}

/** Lines with their breaks. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function same(a: PackageFile | undefined, b: PackageFile | undefined): boolean {
  return a === undefined || b === undefined ? a === b : filesEqual(a, b);
}
