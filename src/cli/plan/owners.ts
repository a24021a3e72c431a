import { appliedFields, type ManagedFieldsEntry, managersOf } from '../../kube/adapters/embedded/api-owners.ts';
import { type FieldSet, type Managers, managerKey, union } from '../../kube/adapters/embedded/managed-fields.ts';
import { LAST_APPLIED, type RawObject } from '../../kube/adapters/kubernetes/raw-objects.ts';
import { isMap } from '../../kube/json.ts';

/**
 * Who owns the fields of an object of a cluster. What `kubectl apply` set, whichever way it did it, is what the manifests of the plan
 * own: what they leave out now goes, as it would by another `kubectl apply`.
 * @param applier field manager of server-side applies
 * @param manifests field manager of the plan's manifests
 */
export function ownersOf({ metadata }: RawObject, applier: string, manifests: string): Managers {
  const entries = Array.isArray(metadata.managedFields) ? (metadata.managedFields as ManagedFieldsEntry[]) : [];
  const text = metadata.annotations?.[LAST_APPLIED];
  const { [managerKey(applier, 'Apply')]: applied = {}, ...others } = managersOf(
    // Who wrote that annotation removes by it, whoever else is said to own a field.
    entries.filter((entry) => text === undefined || !isClientSide(entry)),
  );
  const own = union(applied, lastApplied(text));
  return Object.keys(own).length === 0 ? others : { ...others, [managerKey(manifests, 'Apply')]: own };
}

function isClientSide({ fieldsV1 }: ManagedFieldsEntry): boolean {
  const metadata = fieldsV1?.['f:metadata'];
  const annotations = isMap(metadata) ? metadata['f:annotations'] : undefined;
  return isMap(annotations) && annotations[`f:${LAST_APPLIED}`] !== undefined;
}

/** An annotation that is no object was broken by somebody; kubectl fails on it. */
function lastApplied(text: string | undefined): FieldSet {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    return isMap(value) ? appliedFields(value) : {};
  } catch {
    return {};
  }
}
