import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { describeError, errorMessage, TerminalError, type VerandaError } from '../api/errors.ts';
import type { KubeObject } from '../api/object.ts';
import { validateManifest } from '../api/validate.ts';
import { isLocalConfig } from '../krm/identity.ts';
import { isResource, parseKrmFile } from '../krm/file.ts';
import { getIn, getString, isMap, type KrmMap, setIn } from '../krm/value.ts';

/** An object from a manifest file, with its place for messages. */
export interface LoadedObject {
  readonly object: KubeObject;
  readonly file: string;
  /** 1-based line of the document. */
  readonly line: number;
}

export interface LoadResult {
  readonly objects: readonly LoadedObject[];
  /** One bad document never hides the others. */
  readonly errors: readonly VerandaError[];
}

const DEFAULT_NAMESPACE = 'default';

/**
 * Reads manifests as `kubectl apply -f` does: files as named, folders without descending, `.yaml`, `.yml` and `.json` only.
 * Objects marked local-config are package machinery and passed over.
 */
export async function loadManifests(paths: readonly string[]): Promise<LoadResult> {
  const objects: LoadedObject[] = [];
  const errors: VerandaError[] = [];
  for (const file of await manifestFiles(paths, errors)) {
    try {
      loadFile(file, await readFile(file), objects, errors);
    } catch (error) {
      errors.push(new TerminalError('UnreadableFile', errorMessage(error), { file, cause: error }));
    }
  }
  return { objects: withoutDuplicates(objects, errors), errors };
}

async function manifestFiles(paths: readonly string[], errors: VerandaError[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    try {
      if (!(await stat(path)).isDirectory()) {
        files.push(path);
        continue;
      }
      const names = (await readdir(path)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
      files.push(...names.map((name) => join(path, name)));
    } catch (error) {
      errors.push(new TerminalError('UnreadableFile', errorMessage(error), { file: path, cause: error }));
    }
  }
  return files;
}

function loadFile(file: string, bytes: Uint8Array, objects: LoadedObject[], errors: VerandaError[]): void {
  const parsed = parseKrmFile(file, bytes);
  for (const problem of parsed.problems) {
    errors.push(new TerminalError('InvalidManifest', problem.message, { file, line: problem.line, column: problem.column }));
  }
  if (parsed.problems.length > 0) return;
  for (const document of parsed.documents) {
    for (const value of itemsOf(document.value)) {
      try {
        const object = toObject(value, file);
        if (object) objects.push({ object, file, line: document.line });
      } catch (error) {
        errors.push(located(error, file, document.line));
      }
    }
  }
}

/** A `kind: List` stands for its items. */
function itemsOf(value: unknown): readonly unknown[] {
  if (!isMapValue(value) || value.kind !== 'List' || !Array.isArray(value.items)) return [value];
  return value.items;
}

const isMapValue = (value: unknown): value is KrmMap => isMap(value as KrmMap);

function toObject(value: unknown, file: string): KubeObject | undefined {
  if (!isMapValue(value) || !isResource(value)) {
    throw new TerminalError('InvalidManifest', 'not a Kubernetes object: apiVersion and kind must be set');
  }
  if (isLocalConfig(value)) return undefined;
  const name = getString(value, ['metadata', 'name']);
  if (!name) throw new TerminalError('InvalidManifest', 'must be set', { field: 'metadata.name' });
  const namespaced = getIn(value, ['metadata', 'namespace']) ? value : setIn(value, ['metadata', 'namespace'], DEFAULT_NAMESPACE);
  const object = withResolvedPath(namespaced, file) as unknown as KubeObject;
  const [fault] = validateManifest(object);
  if (fault) throw new TerminalError('InvalidManifest', fault.message, { object: `${object.kind} ${name}`, field: fault.field });
  return object;
}

/** `spec.git.repo: ./remotes/a.git` of a Repository is relative to its manifest. */
function withResolvedPath(value: KrmMap, file: string): KrmMap {
  const repo = getString(value, ['spec', 'git', 'repo']);
  if (value.kind !== 'Repository' || repo === undefined || !/^\.\.?\//.test(repo)) return value;
  return setIn(value, ['spec', 'git', 'repo'], resolve(dirname(file), repo));
}

function located(error: unknown, file: string, line: number): VerandaError {
  if (error instanceof TerminalError) return new TerminalError(error.reason, error.message, { ...error.location, file, line });
  return new TerminalError('InvalidManifest', describeError(error), { file, line, cause: error });
}

function withoutDuplicates(objects: readonly LoadedObject[], errors: VerandaError[]): LoadedObject[] {
  const byId = new Map<string, LoadedObject>();
  for (const loaded of objects) {
    const { apiVersion, kind, metadata } = loaded.object;
    const id = `${apiVersion}/${kind}/${metadata.namespace}/${metadata.name}`;
    const first = byId.get(id);
    if (!first) byId.set(id, loaded);
    else {
      errors.push(
        new TerminalError('DuplicateObject', `${kind} ${metadata.name} is also in ${first.file}:${first.line}`, {
          object: `${kind} ${metadata.name}`,
          file: loaded.file,
          line: loaded.line,
        }),
      );
    }
  }
  return [...byId.values()];
}
