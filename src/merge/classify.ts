import { Buffer, isUtf8 } from 'node:buffer';
import { TerminalError } from '../api/errors.ts';
import { isKrmPath, isResource, type KrmFile, parseKrmFile } from '../krm/file.ts';
import type { PackageFile } from '../package/types.ts';
import type { SideName } from './pairing.ts';

/** One path on the three sides. */
export type FileSides = { readonly [side in SideName]?: PackageFile };

export type ClassifiedFile =
  | { readonly kind: 'resources'; readonly path: string; readonly files: { readonly [side in SideName]?: KrmFile } }
  | { readonly kind: 'text' | 'binary'; readonly path: string };

const SIDE_NAMES = ['base', 'local', 'updated'] as const;

/**
 * How a path is merged: resource by resource when every document on every side is a resource, else as text, else as a
 * whole.
 * @throws TerminalError InvalidYaml for a resource file that cannot be read and is not the same on all sides
 */
export function classifyFile(path: string, sides: FileSides): ClassifiedFile {
  const present = SIDE_NAMES.filter((side) => sides[side] !== undefined);
  const files = present.map((side) => sides[side] as PackageFile);
  const kind = plainKind(sides);
  if (kind === 'binary' || (!isKrmPath(path) && !path.endsWith('.json'))) return { kind, path };
  if (files.length === 3 && files.every(({ bytes }) => Buffer.compare(bytes, files[0]?.bytes ?? bytes) === 0)) {
    // Nothing to merge, whatever is in it; its resources still pair with ones that were moved elsewhere.
    if (parseKrmFile(path, (files[0] as PackageFile).bytes).problems.length > 0) return { kind, path };
  }
  const parsed: { [side in SideName]?: KrmFile } = {};
  for (const side of present) parsed[side] = readable(path, side, (sides[side] as PackageFile).bytes);
  const resources = Object.values(parsed).every(
    ({ documents }) =>
      documents.length > 0 && documents.every(({ value }) => isResource(value) && value.kind !== 'Kptfile'),
  );
  return resources ? { kind: 'resources', path, files: parsed } : { kind, path };
}

/** How a file is merged that is not read as resources: links and submodules as a whole, like bytes. */
export function plainKind(sides: FileSides): 'text' | 'binary' {
  return Object.values(sides).every((file) => file.mode !== '120000' && file.mode !== '160000' && isText(file))
    ? 'text'
    : 'binary';
}

function readable(path: string, side: SideName, bytes: Uint8Array): KrmFile {
  const file = parseKrmFile(path, bytes);
  const [problem] = file.problems;
  if (!problem) return file;
  const whose = { base: 'the base', local: 'the local package', updated: 'the new upstream' }[side];
  throw new TerminalError('InvalidYaml', `${whose} cannot be read: ${problem.message}`, {
    file: path,
    line: problem.line,
    column: problem.column,
  });
}

function isText({ bytes }: PackageFile): boolean {
  return isUtf8(bytes) && !bytes.includes(0);
}
