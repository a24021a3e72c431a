import { Buffer } from 'node:buffer';
import { type KrmDocument, type KrmFile, parseKrmFile } from '../krm/file.ts';
import type { ResourceRef } from '../krm/resource-list.ts';
import { deleteIn, getString, isMap, type KrmValue, valuesEqual } from '../krm/value.ts';
import { mergeDocument, preferenceOf } from './document-merge.ts';
import { type DocumentChange, rewriteFile } from './document-text.ts';
import { UPSTREAM_IDENTIFIER } from './identity.ts';
import type { ListKeyLookup } from './list-keys.ts';
import { type PlacedResource, pairResources, type ResourcePair, type SideName } from './pairing.ts';
import type { MergeConflict, Preference } from './types.ts';

export interface ResourcesMerge {
  /** New bytes by path; null where the last resource of a file went. Files that stay as they are are not named. */
  readonly files: ReadonlyMap<string, Uint8Array | null>;
  readonly conflicts: readonly MergeConflict[];
}

export interface ResourcesMergeOptions {
  readonly prefer: Preference;
  readonly keys: ListKeyLookup;
  /** Whether a local resource is what rendering alone makes of upstream's. */
  readonly isOnlyRendered: (local: KrmDocument) => boolean;
}

/**
 * Merges the resources of one package, file boundaries aside: a resource is where it is locally, in upstream's place when
 * it is new or only upstream moved it. Files keep their documents' order, style and comments.
 * @throws TerminalError DuplicateResource, KindMismatch, with file and field
 */
export function mergeResources(
  sides: { readonly [side in SideName]: readonly KrmFile[] },
  options: ResourcesMergeOptions,
): ResourcesMerge {
  const conflicts: MergeConflict[] = [];
  const layout = new Layout(sides);
  for (const pair of pairResources(sides)) {
    const decision = decide(pair, options);
    conflicts.push(...decision.conflicts);
    layout.place(pair, decision);
  }
  return { files: layout.files(), conflicts };
}

/** What becomes of a resource: `gone`, or a change to its document on the `from` side (none: as it is there). */
interface Decision {
  readonly from?: 'local' | 'updated';
  readonly change?: DocumentChange;
  readonly conflicts: readonly MergeConflict[];
}

const GONE: Decision = { conflicts: [] };

function decide(pair: ResourcePair, options: ResourcesMergeOptions): Decision {
  const { base, local, updated } = pair;
  if (local && updated) return merged(base, local, updated, options);
  if (local) return base ? removedUpstream(base, local, options) : { from: 'local', conflicts: [] };
  if (!updated) return GONE;
  if (!base) return { from: 'updated', conflicts: [] };
  if (sameContent(base.document.value, updated.document.value)) return GONE;
  return { conflicts: [conflictOf(updated, 'deleted')] };
}

function removedUpstream(base: PlacedResource, local: PlacedResource, options: ResourcesMergeOptions): Decision {
  const { prefer, isOnlyRendered } = options;
  if (sameContent(base.document.value, local.document.value) || isOnlyRendered(local.document)) return GONE;
  const preferred = preferenceOf(local.document.value);
  if (preferred === 'upstream') return { conflicts: [conflictOf(local, 'deleted')] };
  // Without a word about this very resource nothing that was edited is thrown away.
  return { from: 'local', conflicts: [conflictOf(local, (preferred ?? prefer) === 'local' ? 'local' : 'kept')] };
}

function merged(
  base: PlacedResource | undefined,
  local: PlacedResource,
  updated: PlacedResource,
  options: ResourcesMergeOptions,
): Decision {
  const result = mergeDocument(base?.document, local.document, updated.document, options, local.file.path);
  const conflicts = result.conflicts.map((conflict) => ({ ...conflictOf(local, conflict.resolution), ...conflict }));
  return { from: 'local', ...(result.change ? { change: result.change } : {}), conflicts };
}

function conflictOf({ file, document }: PlacedResource, resolution: MergeConflict['resolution']): MergeConflict {
  return { resource: resourceRef(document.value), file: file.path, resolution };
}

export function resourceRef(resource: KrmValue): ResourceRef {
  const at = (...path: string[]) => getString(resource, path);
  const namespace = at('metadata', 'namespace');
  return {
    apiVersion: at('apiVersion') ?? '',
    kind: at('kind') ?? '',
    name: at('metadata', 'name') ?? '',
    ...(namespace ? { namespace } : {}),
  };
}

const BOOKKEEPING = [
  UPSTREAM_IDENTIFIER,
  'config.kubernetes.io/path',
  'config.kubernetes.io/index',
  'config.kubernetes.io/merge-source',
  'internal.config.kubernetes.io/path',
  'internal.config.kubernetes.io/index',
  'cnrm.cloud.google.com/blueprint',
];

/** Equal but for annotations that tools, not people, write. */
export function sameContent(a: KrmValue, b: KrmValue): boolean {
  return valuesEqual(withoutBookkeeping(a), withoutBookkeeping(b));
}

function withoutBookkeeping(resource: KrmValue): KrmValue {
  let plain = resource;
  for (const annotation of BOOKKEEPING) plain = deleteIn(plain, ['metadata', 'annotations', annotation]);
  const annotations = isMap(plain) && isMap(plain.metadata) ? plain.metadata.annotations : undefined;
  return isMap(annotations) && Object.keys(annotations).length === 0
    ? deleteIn(plain, ['metadata', 'annotations'])
    : plain;
}

/** Collects, by file, where the merged resources come to lie. */
class Layout {
  readonly #sides: { readonly [side in SideName]: ReadonlyMap<string, KrmFile> };
  readonly #changes = new Map<string, Map<number, DocumentChange | null>>();
  readonly #appended = new Map<string, { readonly resource: PlacedResource; readonly change?: DocumentChange }[]>();

  constructor(sides: { readonly [side in SideName]: readonly KrmFile[] }) {
    const byPath = (files: readonly KrmFile[]) => new Map(files.map((file) => [file.path, file]));
    this.#sides = { base: byPath(sides.base), local: byPath(sides.local), updated: byPath(sides.updated) };
  }

  place({ base, local, updated }: ResourcePair, { from, change }: Decision): void {
    if (!from) {
      if (local) this.#change(local, null);
      return;
    }
    const resource = (from === 'local' ? local : updated) as PlacedResource;
    const moved = local && updated && base?.file.path === local.file.path && updated.file.path !== local.file.path;
    const path = (moved ? updated : resource).file.path;
    if (local && path === local.file.path) {
      if (change) this.#change(local, change);
      return;
    }
    if (local) this.#change(local, null);
    const appended = this.#appended.get(path) ?? [];
    appended.push({ resource, ...(change ? { change } : {}) });
    this.#appended.set(path, appended);
  }

  #change({ file, document }: PlacedResource, change: DocumentChange | null): void {
    const changes = this.#changes.get(file.path) ?? new Map<number, DocumentChange | null>();
    changes.set(document.index, change);
    this.#changes.set(file.path, changes);
  }

  files(): Map<string, Uint8Array | null> {
    const files = new Map<string, Uint8Array | null>();
    const paths = [...this.#changes.keys(), ...this.#appended.keys(), ...this.#untouched()];
    for (const path of new Set(paths.sort())) {
      const before = this.#sides.local.get(path)?.bytes;
      const after = this.#write(path);
      if (after === null || !before || Buffer.compare(before, after) !== 0) files.set(path, after);
    }
    return files;
  }

  /** Files that nobody touched here and that may follow upstream to the byte. */
  #untouched(): string[] {
    return [...this.#sides.local.keys()].filter((path) => this.#isUntouched(path) && this.#sides.updated.has(path));
  }

  #isUntouched(path: string): boolean {
    const [base, local] = [this.#sides.base.get(path), this.#sides.local.get(path)];
    return base !== undefined && local !== undefined && Buffer.compare(base.bytes, local.bytes) === 0;
  }

  #write(path: string): Uint8Array | null {
    const local = this.#sides.local.get(path);
    const changes = this.#changes.get(path) ?? new Map<number, DocumentChange | null>();
    const texts = (this.#appended.get(path) ?? []).map(({ resource, change }) => textOf(resource, change));
    const remaining = (local?.documents.length ?? 0) - [...changes.values()].filter((change) => change === null).length;
    if (remaining === 0 && texts.length === 0) return null;
    const result = local ? rewriteFile(local, changes, texts) : this.#newFile(path, texts);
    return this.#asUpstream(path, result) ?? result;
  }

  /** A file that is new here looks as upstream's, with its separators and comments, as far as its resources are there. */
  #newFile(path: string, texts: readonly string[]): Uint8Array {
    const updated = this.#sides.updated.get(path);
    if (!updated) return rewriteFile(parseKrmFile(path, new Uint8Array()), new Map(), texts);
    const wanted = new Set(texts);
    const missing = updated.documents.filter(({ source }) => !wanted.delete(source));
    return rewriteFile(updated, new Map(missing.map(({ index }) => [index, null])), [...wanted]);
  }

  /** Upstream's bytes, when nobody touched the file here and its resources came out as upstream has them. */
  #asUpstream(path: string, result: Uint8Array): Uint8Array | undefined {
    const updated = this.#sides.updated.get(path);
    if (!updated || !this.#isUntouched(path)) return undefined;
    const sources = parseKrmFile(path, result).documents.map(({ source }) => source.trim());
    const theirs = updated.documents.map(({ source }) => source.trim());
    const same = sources.length === theirs.length && sources.sort().join('\0') === theirs.sort().join('\0');
    return same ? updated.bytes : undefined;
  }
}

/** The text of one merged document, for another file than its own. */
function textOf({ file, document }: PlacedResource, change: DocumentChange | undefined): string {
  if (change?.text !== undefined) return change.text;
  if (!change) return document.source;
  const rewritten = parseKrmFile(file.path, rewriteFile(file, new Map([[document.index, change]]), []));
  return rewritten.documents[document.index]?.source ?? document.source;
}
