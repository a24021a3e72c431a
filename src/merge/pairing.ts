import { TerminalError } from '../api/errors.ts';
import type { KrmDocument, KrmFile } from '../krm/file.ts';
import { describeId, type ResourceId, resourceId } from '../krm/identity.ts';
import { matchKey, upstreamId } from './identity.ts';

export type SideName = 'base' | 'local' | 'updated';

/** A resource of one side, with the place it was read from. */
export interface PlacedResource {
  readonly file: KrmFile;
  readonly document: KrmDocument;
  /** Its identity upstream. */
  readonly id: ResourceId;
}

/** What the three sides have of one resource; at least one has it. */
export type ResourcePair = { readonly [side in SideName]?: PlacedResource };

type OpenPair = { [side in SideName]?: PlacedResource };

/**
 * Finds the same resource on the three sides: by upstream identity, by path where several have one identity, and, for
 * what is then alone, by kind, name and path whatever its namespace (a resource that was moved to another namespace
 * and lost its markers). The order of the files does not matter beyond that of the result.
 * @throws TerminalError DuplicateResource for two of one identity in one file
 */
export function pairResources(sides: { readonly [side in SideName]: readonly KrmFile[] }): ResourcePair[] {
  const groups = new Map<string, Map<string, OpenPair>>();
  for (const side of ['local', 'base', 'updated'] as const) {
    for (const file of sides[side]) placeFile(groups, side, file);
  }
  return joinNamesakes([...groups.values()].flatMap((byPath) => joinMoved([...byPath.values()])));
}

function placeFile(groups: Map<string, Map<string, OpenPair>>, side: SideName, file: KrmFile): void {
  for (const document of file.documents) {
    const id = upstreamId(document);
    const key = matchKey(id);
    const byPath = groups.get(key) ?? new Map<string, OpenPair>();
    const pair = byPath.get(file.path) ?? {};
    const twin = pair[side];
    if (twin) throw duplicate(side, { file, document, id }, twin);
    pair[side] = { file, document, id };
    byPath.set(file.path, pair);
    groups.set(key, byPath);
  }
}

function duplicate(side: SideName, { file, document, id }: PlacedResource, twin: PlacedResource): TerminalError {
  const whose = side === 'updated' ? 'upstream' : side;
  const message = `found duplicate ${whose} resources: ${describeId(id)} is also in line ${twin.document.line}`;
  return new TerminalError('DuplicateResource', message, { file: file.path, line: document.line });
}

/** Resources of one identity that no other side has at their path: files were moved. */
function joinMoved(pairs: readonly OpenPair[]): OpenPair[] {
  const [first, ...rest] = [...pairs].sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1));
  if (!first || rest.length === 0) return [...pairs];
  const upstreamOnly = rest.concat(first).filter((pair) => !pair.base && !pair.local);
  const joined = pairs.filter((pair) => !upstreamOnly.includes(pair));
  for (const { updated } of upstreamOnly) {
    const left = joined.find((pair) => pair.base && !pair.updated);
    if (left) left.updated = updated as PlacedResource;
    else joined.push({ updated: updated as PlacedResource });
  }
  return joinLocal(joined);
}

function joinLocal(pairs: readonly OpenPair[]): OpenPair[] {
  const lone = pairs.filter((pair) => pair.local && !pair.base && !pair.updated);
  const joined = pairs.filter((pair) => !lone.includes(pair));
  for (const { local } of lone) {
    const left = joined.find((pair) => !pair.local);
    if (left) left.local = local as PlacedResource;
    else joined.push({ local: local as PlacedResource });
  }
  return joined;
}

function pathOf(pair: ResourcePair): string {
  return (pair.local ?? pair.base ?? pair.updated)?.file.path ?? '';
}

/** Joins a local resource that nothing matched with upstream's of the same kind, name and path, if both are unique. */
function joinNamesakes(pairs: readonly OpenPair[]): OpenPair[] {
  const lone = { local: new Map<string, OpenPair[]>(), upstream: new Map<string, OpenPair[]>() };
  for (const pair of pairs) {
    if (pair.local && (pair.base || pair.updated)) continue;
    const { file, document } = (pair.local ?? pair.base ?? pair.updated) as PlacedResource;
    const { group, kind, name } = resourceId(document.value);
    if (name === '') continue;
    const side = lone[pair.local ? 'local' : 'upstream'];
    const key = JSON.stringify([group, kind, name, file.path]);
    side.set(key, [...(side.get(key) ?? []), pair]);
  }
  const joined = new Set<OpenPair>();
  for (const [key, [mine, ...more]] of lone.local) {
    const [theirs, ...others] = lone.upstream.get(key) ?? [];
    if (!mine || !theirs || more.length > 0 || others.length > 0) continue;
    Object.assign(mine, theirs);
    joined.add(theirs);
  }
  return pairs.filter((pair) => !joined.has(pair));
}
