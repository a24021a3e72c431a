import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { TerminalError } from '../api/errors.ts';
import { type Kind, REPOSITORY } from '../api/kinds.ts';
import type { KubeObject, ObjectMeta } from '../api/object.ts';
import { validateManifest } from '../api/validate.ts';
import { isResource, type KrmDocument, parseKrmFile } from '../krm/file.ts';
import { isLocalConfig } from '../krm/identity.ts';
import { lineOfPath } from '../krm/source-tree.ts';
import { getString, isList, isMap, type KrmMap, type KrmPath, type KrmValue, setIn } from '../krm/value.ts';
import { parseFieldText } from './field-text.ts';
import { listManifestFiles, unreadable } from './manifest-files.ts';

/** An object from a manifest file, with its place for messages. */
export interface LoadedObject {
  readonly object: KubeObject;
  readonly file: string;
  /** 1-based line of a field of the object, or of its nearest parent that is there. */
  readonly lineOf: (field: string) => number;
}

export interface LoadResult {
  readonly objects: readonly LoadedObject[];
  /** Every fault of every document, with file and line. One bad document never hides the others. */
  readonly errors: readonly TerminalError[];
}

const DEFAULT_NAMESPACE = 'default';

/** Where documents are, and where their objects are when they do not say so. */
interface Origin {
  readonly file: string;
  readonly namespace: string;
}

/** One value of a document: the document itself, or an item of its list. */
interface Item extends Origin {
  readonly value: KrmValue;
  readonly path: KrmPath;
  readonly document: KrmDocument;
}

/**
 * Reads manifests. Objects marked local-config are package machinery and passed over; a list stands for its items.
 * @param namespace of objects that name none
 */
export async function loadManifests(
  paths: readonly string[],
  namespace: string = DEFAULT_NAMESPACE,
): Promise<LoadResult> {
  const { files, errors: missing } = await listManifestFiles(paths);
  const objects: LoadedObject[] = [];
  const errors: TerminalError[] = [...missing];
  for (const file of files) {
    try {
      loadFile({ file, namespace }, await readFile(file), objects, errors);
    } catch (error) {
      errors.push(unreadable(file, error));
    }
  }
  return { objects: withoutDuplicates(objects, errors), errors };
}

/** The same for two manifests of one object. */
export function objectId({ apiVersion, kind, metadata }: KubeObject): string {
  return JSON.stringify([apiVersion.replace(/\/[^/]*$/, ''), kind, metadata.namespace ?? '', metadata.name]);
}

/** The kind of an object as a store needs it, whether it is one of ours or not. */
export function kindOf({ apiVersion, kind }: KubeObject): Kind {
  return { apiVersion, kind, plural: '', namespaced: true };
}

function loadFile(origin: Origin, bytes: Uint8Array, objects: LoadedObject[], errors: TerminalError[]): void {
  const { file } = origin;
  const { documents, problems } = parseKrmFile(file, bytes);
  for (const { message, line, column } of problems) {
    errors.push(new TerminalError('InvalidManifest', message, { file, line, column }));
  }
  for (const document of documents) {
    // A document that could not be read has no data, and its problem is told already.
    if (document.value === null && problems.length > 0) continue;
    for (const item of itemsOf(document, origin)) {
      const loaded = loadItem(item, errors);
      if (loaded) objects.push(loaded);
    }
  }
}

function itemsOf(document: KrmDocument, origin: Origin): readonly Item[] {
  const { value } = document;
  if (!isMap(value) || value.kind !== 'List' || !isList(value.items)) return [{ value, path: [], document, ...origin }];
  return value.items.map((item, index) => ({ value: item, path: ['items', index], document, ...origin }));
}

function loadItem(item: Item, errors: TerminalError[]): LoadedObject | undefined {
  const { value, file } = item;
  const lineOf = (field: string): number => lineIn(item, field);
  const fault = (message: string, field?: string, object?: string): void => {
    errors.push(new TerminalError('InvalidManifest', message, { object, file, line: lineOf(field ?? ''), field }));
  };
  if (!isMap(value)) {
    fault('not a Kubernetes object: a map with apiVersion, kind and metadata is needed');
    return undefined;
  }
  if (isResource(value) && isLocalConfig(value)) return undefined;
  const label = labelOf(value, item.namespace);
  const faults = validateManifest(value);
  for (const { field, message } of faults) fault(message, field, label);
  if (faults.length > 0 || !isResource(value)) return undefined;
  const { apiVersion, kind } = value;
  return { object: toObject({ ...value, apiVersion: String(apiVersion), kind: String(kind) }, item), file, lineOf };
}

function lineIn({ path, document }: Item, field: string): number {
  return document.line + lineOfPath(document.source, [...path, ...parseFieldText(field)]) - 1;
}

/** `<Kind> <namespace>/<name>` with what is known of it. */
function labelOf(value: KrmMap, preset: string): string | undefined {
  const [kind, name] = [getString(value, ['kind']), getString(value, ['metadata', 'name'])];
  const namespace = getString(value, ['metadata', 'namespace']) ?? preset;
  return kind === undefined || name === undefined ? undefined : `${kind} ${namespace}/${name}`;
}

/** @param value that has passed validation, so that its metadata are what they should be */
function toObject(value: KrmMap & Pick<KubeObject, 'apiVersion' | 'kind'>, { file, namespace }: Origin): KubeObject {
  const meta: Partial<ObjectMeta> = isMap(value.metadata) ? { ...value.metadata } : {};
  const metadata: ObjectMeta = { ...meta, name: meta.name ?? '', namespace: meta.namespace ?? namespace };
  return { ...withResolvedPath(value, file), metadata };
}

/** `spec.git.repo: ./remotes/a.git` of a Repository is relative to its manifest. */
function withResolvedPath<T extends KrmMap>(value: T, file: string): T {
  const repo = getString(value, ['spec', 'git', 'repo']);
  if (value.kind !== REPOSITORY.kind || value.apiVersion !== REPOSITORY.apiVersion) return value;
  if (repo === undefined || !/^\.\.?\//.test(repo)) return value;
  return setIn(value, ['spec', 'git', 'repo'], resolve(dirname(file), repo));
}

/** The first of two manifests of one object counts. */
function withoutDuplicates(objects: readonly LoadedObject[], errors: TerminalError[]): readonly LoadedObject[] {
  const byId = new Map<string, LoadedObject>();
  for (const loaded of objects) {
    const id = objectId(loaded.object);
    const first = byId.get(id);
    if (first === undefined) {
      byId.set(id, loaded);
      continue;
    }
    const { kind, metadata } = loaded.object;
    errors.push(
      new TerminalError('DuplicateObject', `is also in ${first.file}:${first.lineOf('')}, which counts`, {
        object: `${kind} ${metadata.namespace}/${metadata.name}`,
        file: loaded.file,
        line: loaded.lineOf(''),
      }),
    );
  }
  return [...byId.values()];
}
