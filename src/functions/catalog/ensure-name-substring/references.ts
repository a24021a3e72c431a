import { type FieldPathPart, parseFieldPath } from '../../field-path.ts';
import type { FieldSpec } from '../../field-specs.ts';
import { POD_SPECS } from '../../pod-specs.ts';

/** A field that names a resource. */
export interface NameReference extends FieldSpec {
  readonly parts: readonly FieldPathPart[];
  /** `<group>/<kind>` of the resource that is named. */
  readonly to: string;
}

/** A field whose neighbours say what it names: `kind` or `resource` beside it. */
export interface SelfDescribingReference extends FieldSpec {
  /** The map, or the list of maps, with `kind`, `name` and perhaps `apiGroup`, `apiVersion` and `namespace`. */
  readonly parts: readonly FieldPathPart[];
}

const CONFIG_MAP = '/ConfigMap';
const SECRET = '/Secret';
const SERVICE = '/Service';
const STORAGE_CLASS = 'storage.k8s.io/StorageClass';
const CONTAINERS = ['containers', 'initContainers', 'ephemeralContainers'];

const IN_POD_SPECS: readonly (readonly [string, string])[] = [
  ['volumes.[*].configMap.name', CONFIG_MAP],
  ['volumes.[*].projected.sources.[*].configMap.name', CONFIG_MAP],
  ['volumes.[*].secret.secretName', SECRET],
  ['volumes.[*].projected.sources.[*].secret.name', SECRET],
  ['imagePullSecrets.[*].name', SECRET],
  ...CONTAINERS.flatMap((list) => [
    [`${list}.[*].env.[*].valueFrom.configMapKeyRef.name`, CONFIG_MAP] as const,
    [`${list}.[*].envFrom.[*].configMapRef.name`, CONFIG_MAP] as const,
    [`${list}.[*].env.[*].valueFrom.secretKeyRef.name`, SECRET] as const,
    [`${list}.[*].envFrom.[*].secretRef.name`, SECRET] as const,
  ]),
  ['volumes.[*].persistentVolumeClaim.claimName', '/PersistentVolumeClaim'],
  ['serviceAccountName', '/ServiceAccount'],
  ['serviceAccount', '/ServiceAccount'],
  ['priorityClassName', 'scheduling.k8s.io/PriorityClass'],
  ['runtimeClassName', 'node.k8s.io/RuntimeClass'],
];

const STATEFUL_SET = { group: 'apps', kind: 'StatefulSet' };
const INGRESS = { group: 'networking.k8s.io', kind: 'Ingress' };
const CLAIM = { group: '', kind: 'PersistentVolumeClaim' };
const VOLUME = { group: '', kind: 'PersistentVolume' };
const WEBHOOKS = ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'].map((kind) => ({
  group: 'admissionregistration.k8s.io',
  kind,
}));

/** Where Kubernetes' own kinds name other resources of a fixed kind. */
export const NAME_REFERENCES: readonly NameReference[] = [
  ...POD_SPECS.flatMap(({ path: spec, ...of }) =>
    IN_POD_SPECS.map(([path, to]) => reference(of, `${spec.replaceAll('/', '.')}.${path}`, to)),
  ),
  reference(STATEFUL_SET, 'spec.serviceName', SERVICE),
  reference(STATEFUL_SET, 'spec.volumeClaimTemplates.[*].spec.storageClassName', STORAGE_CLASS),
  reference(INGRESS, 'spec.rules.[*].http.paths.[*].backend.service.name', SERVICE),
  reference(INGRESS, 'spec.defaultBackend.service.name', SERVICE),
  reference(INGRESS, 'spec.tls.[*].secretName', SECRET),
  reference(INGRESS, 'spec.ingressClassName', 'networking.k8s.io/IngressClass'),
  reference({ group: '', kind: 'ServiceAccount' }, 'imagePullSecrets.[*].name', SECRET),
  reference({ group: '', kind: 'ServiceAccount' }, 'secrets.[*].name', SECRET),
  reference({ group: 'apiregistration.k8s.io', kind: 'APIService' }, 'spec.service.name', SERVICE),
  ...WEBHOOKS.map((of) => reference(of, 'webhooks.[*].clientConfig.service.name', SERVICE)),
  reference(CLAIM, 'spec.volumeName', '/PersistentVolume'),
  reference(CLAIM, 'spec.storageClassName', STORAGE_CLASS),
  reference(VOLUME, 'spec.storageClassName', STORAGE_CLASS),
  reference(
    { group: 'admissionregistration.k8s.io', kind: 'ValidatingAdmissionPolicyBinding' },
    'spec.policyName',
    'admissionregistration.k8s.io/ValidatingAdmissionPolicy',
  ),
];

const RBAC = 'rbac.authorization.k8s.io';

/** Where they name resources of a kind that stands beside the name. */
export const SELF_DESCRIBING: readonly SelfDescribingReference[] = [
  ...['RoleBinding', 'ClusterRoleBinding'].flatMap((kind) => [
    described({ group: RBAC, kind }, 'roleRef'),
    described({ group: RBAC, kind }, 'subjects.[*]'),
  ]),
  described({ group: 'autoscaling', kind: 'HorizontalPodAutoscaler' }, 'spec.scaleTargetRef'),
];

/** `<group>/<kind>` by the plural that rules of roles use, for kinds whose resources are named in `resourceNames`. */
export const RULE_RESOURCES: { readonly [plural: string]: string } = {
  configmaps: CONFIG_MAP,
  secrets: SECRET,
  services: SERVICE,
  serviceaccounts: '/ServiceAccount',
  persistentvolumeclaims: '/PersistentVolumeClaim',
  persistentvolumes: '/PersistentVolume',
};

function reference(of: Omit<FieldSpec, 'path'>, path: string, to: string): NameReference {
  return { ...described(of, path), to };
}

function described(of: Omit<FieldSpec, 'path'>, path: string): SelfDescribingReference {
  return { ...of, path, parts: parseFieldPath(path) };
}
