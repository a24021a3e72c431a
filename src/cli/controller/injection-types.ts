import { TransientError } from '../../api/errors.ts';
import type { PackageRevision, Repository } from '../../api/kinds.ts';
import { objectLabel } from '../../api/object.ts';
import type { RepositoryGateway } from '../../controllers/repository/gateway.ts';
import type { Lister } from '../../kube/controller.ts';
import { findInjectionPoints } from '../../task/mutations/injection-points.ts';
import type { InputType } from './input-watch.ts';

/**
 * The types that the injection points of a revision's package ask for.
 * @throws TransientError UpstreamPending while nobody has looked at the revision
 */
export async function readInjectionTypes(
  { repositories, gateway }: { readonly repositories: Lister<Repository>; readonly gateway: RepositoryGateway },
  revision: PackageRevision,
  signal: AbortSignal,
): Promise<readonly InputType[]> {
  const { metadata, spec, status } = revision;
  const object = repositories.get(`${metadata.namespace ?? ''}/${spec.repository}`);
  const commit = status?.observedCommit;
  if (!object || commit === undefined) {
    throw new TransientError('UpstreamPending', `${metadata.name} is being looked at`, {
      object: objectLabel(revision),
    });
  }
  const repository = await gateway.open(object);
  const { points } = findInjectionPoints(await repository.read(commit, spec.packageName, { signal }));
  return points.map(({ apiVersion, kind }) => ({ apiVersion, kind }));
}
