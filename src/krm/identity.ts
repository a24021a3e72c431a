import { getIn, getString, isMap, type KrmValue } from './value.ts';

/** What makes a resource the same resource: API group (not version), kind, namespace and name. */
export interface ResourceId {
  /** '' for the core group. */
  readonly group: string;
  readonly kind: string;
  /** '' when the resource names none. */
  readonly namespace: string;
  readonly name: string;
}

export const LOCAL_CONFIG_ANNOTATION = 'config.kubernetes.io/local-config';

/** `apps` of `apps/v1`; '' for the core group's `v1`. */
export function apiGroup(apiVersion: string): string {
  const slash = apiVersion.lastIndexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** Identity of a resource; parts that are missing or of the wrong type are ''. */
export function resourceId(value: KrmValue): ResourceId {
  return {
    group: apiGroup(getString(value, ['apiVersion']) ?? ''),
    kind: getString(value, ['kind']) ?? '',
    namespace: getString(value, ['metadata', 'namespace']) ?? '',
    name: getString(value, ['metadata', 'name']) ?? '',
  };
}

/** One string per identity, fit as a map key. */
export function idKey(id: ResourceId): string {
  return JSON.stringify([id.group, id.kind, id.namespace, id.name]);
}

/** `group|kind|namespace|name`: kpt's `internal.kpt.dev/upstream-identifier`. */
export function upstreamIdentifier(id: ResourceId): string {
  return [id.group, id.kind, id.namespace, id.name].join('|');
}

/** The identity that an upstream identifier names; undefined when it does not have four parts. */
export function parseUpstreamIdentifier(text: string): ResourceId | undefined {
  const parts = text.split('|');
  if (parts.length !== 4) return undefined;
  const [group = '', kind = '', namespace = '', name = ''] = parts;
  return { group, kind, namespace, name };
}

/** `<kind> <namespace>/<name>`, for messages. */
export function describeId(id: ResourceId): string {
  return `${id.kind} ${id.namespace === '' ? '' : `${id.namespace}/`}${id.name}`;
}

/** True when the resource is for tools only: the annotation is there and is not "false". */
export function isLocalConfig(value: KrmValue): boolean {
  const annotations = getIn(value, ['metadata', 'annotations']);
  if (!isMap(annotations)) return false;
  const mark = annotations[LOCAL_CONFIG_ANNOTATION];
  return mark !== undefined && mark !== null && String(mark) !== 'false';
}
