import { describeError, VerandaError } from '../../api/errors.ts';
import type { ObjectSelector, VariantTarget } from '../../api/generated/package-variant-set.ts';
import { type PackageVariantSet, REPOSITORY, type Repository } from '../../api/kinds.ts';
import type { KubeObject } from '../../api/object.ts';
import type { Lister } from '../../kube/controller.ts';
import { sanitiseText } from '../../observability/sanitise.ts';
import type { ControllerEnvironment } from '../environment.ts';
import type { CompiledSet } from './compile.ts';
import type { TargetFault } from './types.ts';

export interface Selection {
  /** Objects of the kind that a target selects, none where it lists repositories; undefined for targets with faults. */
  readonly objects: (index: number) => readonly KubeObject[] | undefined;
  /** Of targets that are wrong or could not be looked at. */
  readonly faults: readonly TargetFault[];
}

interface SelectEnvironment extends Pick<ControllerEnvironment, 'selectables'> {
  readonly repositories: Lister<Repository>;
}

/** The objects of all kinds that a set selects. What cannot be looked at is a fault of its target, never an empty list. */
export async function selectObjects(
  { spec, metadata }: PackageVariantSet,
  { targets }: CompiledSet,
  env: SelectEnvironment,
  signal: AbortSignal,
): Promise<Selection> {
  const found = await Promise.all(
    spec.targets.map(async (target, index): Promise<readonly KubeObject[] | TargetFault> => {
      const fault = targets[index]?.fault;
      if (fault) return fault;
      try {
        return await listKind(target, metadata.namespace ?? '', env, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof VerandaError)) throw error;
        const message = sanitiseText(describeError(error));
        const retry = error.retry === 'terminal' ? {} : { retry: error };
        return {
          target: `spec.targets[${index}].objectSelector`,
          reason: error.reason,
          message,
          passes: true,
          ...retry,
        };
      }
    }),
  );
  return {
    objects: (index) => asObjects(found[index]),
    faults: found.filter((result): result is TargetFault => 'reason' in result),
  };
}

function asObjects(result: readonly KubeObject[] | TargetFault | undefined): readonly KubeObject[] | undefined {
  return result && !('reason' in result) ? result : undefined;
}

async function listKind(
  { repositorySelector, objectSelector }: VariantTarget,
  namespace: string,
  { repositories, selectables }: SelectEnvironment,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  if (repositorySelector || (objectSelector && isRepository(objectSelector))) {
    return repositories.list().filter(({ metadata }) => metadata.namespace === namespace);
  }
  if (!objectSelector) return [];
  return selectables.list(namespace, objectSelector.apiVersion, objectSelector.kind, signal);
}

function isRepository({ apiVersion, kind }: ObjectSelector): boolean {
  return apiVersion === REPOSITORY.apiVersion && kind === REPOSITORY.kind;
}
