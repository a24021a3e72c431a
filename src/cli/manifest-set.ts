import { TerminalError, type VerandaError } from '../api/errors.ts';
import type { KubeObject } from '../api/object.ts';
import { type LoadedObject, loadManifests, objectId } from './manifests.ts';
import { type ReportedError, reportedError } from './report.ts';

/** Where objects go. */
export interface ObjectTarget {
  /** @throws TerminalError with the field when the object is refused */
  apply(object: KubeObject): Promise<void>;
  delete(object: KubeObject): Promise<void>;
}

/** The objects of manifest files, carried into a store, and again when the files have changed. */
export class ManifestSet {
  readonly #paths: readonly string[];
  readonly #target: ObjectTarget;
  readonly #namespace: string | undefined;
  #applied: ReadonlyMap<string, LoadedObject> = new Map();
  #errors: readonly ReportedError[] = [];

  /** @param namespace of objects that name none; default: `default` */
  constructor(paths: readonly string[], target: ObjectTarget, namespace?: string) {
    this.#paths = paths;
    this.#target = target;
    this.#namespace = namespace;
  }

  /** Faults of the files as they were read last. */
  get errors(): readonly ReportedError[] {
    return this.#errors;
  }

  /** The objects that came from the files and are still wanted. */
  get objects(): readonly KubeObject[] {
    return [...this.#applied.values()].map(({ object }) => object);
  }

  /**
   * Applies what the files hold and deletes what they held at the last call and hold no longer. An object whose file has
   * faults now, or cannot be read, stays: it may be behind the fault.
   */
  async load(): Promise<void> {
    const { objects, errors } = await loadManifests(this.#paths, this.#namespace);
    const faults: Error[] = [...errors];
    const next = new Map<string, LoadedObject>();
    for (const loaded of objects) {
      next.set(objectId(loaded.object), loaded);
      faults.push(...(await this.#apply(loaded)));
    }
    for (const [id, known] of this.#applied) {
      if (next.has(id)) continue;
      if (mayBeHidden(known, errors)) next.set(id, known);
      else await this.#target.delete(known.object);
    }
    this.#applied = next;
    this.#errors = faults.map(reportedError);
  }

  async #apply({ object, file, lineOf }: LoadedObject): Promise<readonly Error[]> {
    try {
      await this.#target.apply(object);
      return [];
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      const { field } = error.location;
      const place = { file, line: lineOf(field ?? '') };
      return [new TerminalError(error.reason, error.message, { ...error.location, ...place, cause: error })];
    }
  }
}

function mayBeHidden({ file }: LoadedObject, errors: readonly VerandaError[]): boolean {
  return errors.some(({ reason, location }) => location.file === file || reason === 'UnreadableFile');
}
