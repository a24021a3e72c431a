import { TerminalError } from '../../../api/errors.ts';
import { type KubeObject, type ObjectMeta, objectLabel } from '../../../api/object.ts';
import { isMap, type JsonMap, member, sameJson } from '../../json.ts';

/** Metadata that writers may set; everything else in `metadata` is the store's. */
const WRITABLE = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

/** What a write to an object may carry: writable metadata and every other member; status only where it is no subresource. */
export function writablePart(object: JsonMap, statusIsSubresource: boolean): JsonMap {
  const { apiVersion: _apiVersion, kind: _kind, metadata, status, ...body } = object;
  const writable = WRITABLE.flatMap((key) => {
    const value = isMap(metadata) ? member(metadata, key) : undefined;
    return value === undefined ? [] : [[key, value]];
  });
  return {
    ...(writable.length > 0 ? { metadata: Object.fromEntries(writable) } : {}),
    ...body,
    ...(statusIsSubresource || status === undefined ? {} : { status }),
  };
}

/** An object of the store's own metadata and the writable rest. */
export function assemble(
  { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string },
  system: ObjectMeta,
  content: JsonMap,
): KubeObject {
  const { metadata, ...body } = content;
  return { ...body, apiVersion, kind, metadata: { ...systemPart(system), ...withoutEmpty(metadata) } };
}

function systemPart(metadata: ObjectMeta): ObjectMeta {
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp } = metadata;
  return { name, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp };
}

/** An API server leaves empty maps and lists of metadata out. */
function withoutEmpty(metadata: JsonMap[string]): JsonMap {
  const entries = isMap(metadata) ? Object.entries(metadata) : [];
  return Object.fromEntries(entries.filter(([, value]) => value && Object.keys(value).length > 0));
}

/** Whether anything differs that moves `generation`: all but metadata and status. */
export function contentDiffers(before: KubeObject, after: KubeObject): boolean {
  const content = ({ metadata: _metadata, status: _status, ...rest }: KubeObject & { readonly status?: unknown }) =>
    rest;
  return !sameJson(content(before), content(after));
}

/**
 * Rules of metadata that hold for every kind.
 * @throws TerminalError Invalid with the field
 */
export function checkMetadata(object: KubeObject, before: KubeObject | undefined): void {
  const { name, finalizers, ownerReferences, deletionTimestamp } = object.metadata;
  if (!name) throw invalid(object, 'metadata.name', 'is required');
  ownerReferences?.forEach((owner, index) => {
    const missing = (['apiVersion', 'kind', 'name', 'uid'] as const).find((key) => !owner[key]);
    if (missing) throw invalid(object, `metadata.ownerReferences[${index}].${missing}`, 'is required');
  });
  if (ownerReferences && ownerReferences.filter((owner) => owner.controller === true).length > 1) {
    throw invalid(object, 'metadata.ownerReferences', 'only one owner may be the controller');
  }
  const known = new Set(before?.metadata.finalizers);
  if (deletionTimestamp !== undefined && finalizers?.some((finalizer) => !known.has(finalizer))) {
    throw invalid(object, 'metadata.finalizers', 'takes no new ones while the object is being deleted');
  }
}

export function invalid(object: KubeObject, field: string, problem: string): TerminalError {
  return new TerminalError('Invalid', `${objectLabel(object)} is invalid: ${field} ${problem}`, {
    object: objectLabel(object),
    field,
  });
}
