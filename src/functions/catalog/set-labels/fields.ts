import type { FieldSpec } from '../../field-specs.ts';

const TEMPLATE_KINDS: readonly Pick<FieldSpec, 'group' | 'version' | 'kind'>[] = [
  { group: '', version: 'v1', kind: 'ReplicationController' },
  { group: 'apps', kind: 'Deployment' },
  { group: 'extensions', kind: 'Deployment' },
  { group: 'apps', kind: 'ReplicaSet' },
  { group: 'extensions', kind: 'ReplicaSet' },
  { group: 'apps', kind: 'DaemonSet' },
  { group: 'extensions', kind: 'DaemonSet' },
  { group: 'apps', kind: 'StatefulSet' },
  { group: 'batch', kind: 'Job' },
];

/** Kinds whose selector is made where it is missing: they cannot live without. */
const SELECTOR_KINDS = TEMPLATE_KINDS.filter(({ kind }) => kind !== 'Job' && kind !== 'ReplicationController');

const CRON_JOB = { group: 'batch', kind: 'CronJob' } as const;
const STATEFUL_SET = { group: 'apps', kind: 'StatefulSet' } as const;
const NETWORK_POLICIES = ['networking.k8s.io', 'extensions'].map((group) => ({ group, kind: 'NetworkPolicy' }));

/** Selectors inside a pod's specification that choose pods by label. */
const POD_SELECTORS: readonly string[] = [
  'topologySpreadConstraints/[]/labelSelector/matchLabels',
  'affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/[]/podAffinityTerm/labelSelector/matchLabels',
  'affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/[]/labelSelector/matchLabels',
  'affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/[]/podAffinityTerm/labelSelector/matchLabels',
  'affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/[]/labelSelector/matchLabels',
];

/** Where labels are put. */
export const LABEL_FIELDS: readonly FieldSpec[] = [
  { path: 'metadata/labels', create: true },
  { group: '', version: 'v1', kind: 'Service', path: 'spec/selector', create: true },
  { group: '', version: 'v1', kind: 'ReplicationController', path: 'spec/selector', create: true },
  ...SELECTOR_KINDS.map((kind) => ({ ...kind, path: 'spec/selector/matchLabels', create: true })),
  ...TEMPLATE_KINDS.map((kind) => podLabels(kind, 'spec/template')),
  { ...CRON_JOB, path: 'spec/jobTemplate/metadata/labels', create: true, within: 'spec/jobTemplate' },
  podLabels(CRON_JOB, 'spec/jobTemplate/spec/template'),
  { ...STATEFUL_SET, path: 'spec/volumeClaimTemplates/[]/metadata/labels', create: true },
];

/** Where the value of a label is changed if the label is there, and nothing else happens. */
export const SELECTING_FIELDS: readonly FieldSpec[] = [
  { group: 'batch', kind: 'Job', path: 'spec/selector/matchLabels' },
  { group: 'policy', kind: 'PodDisruptionBudget', path: 'spec/selector/matchLabels' },
  { ...CRON_JOB, path: 'spec/jobTemplate/spec/selector/matchLabels' },
  { ...STATEFUL_SET, path: 'spec/volumeClaimTemplates/[]/spec/selector/matchLabels' },
  ...NETWORK_POLICIES.flatMap((kind) => [
    { ...kind, path: 'spec/podSelector/matchLabels' },
    { ...kind, path: 'spec/ingress/[]/from/[]/podSelector/matchLabels' },
    { ...kind, path: 'spec/egress/[]/to/[]/podSelector/matchLabels' },
  ]),
  ...TEMPLATE_KINDS.flatMap((kind) => podSelectors(kind, 'spec/template')),
  ...podSelectors(CRON_JOB, 'spec/jobTemplate/spec/template'),
];

function podLabels(kind: Pick<FieldSpec, 'group' | 'version' | 'kind'>, template: string): FieldSpec {
  return { ...kind, path: `${template}/metadata/labels`, create: true, within: template };
}

function podSelectors(kind: Pick<FieldSpec, 'group' | 'version' | 'kind'>, template: string): FieldSpec[] {
  return POD_SELECTORS.map((path) => ({ ...kind, path: `${template}/spec/${path}` }));
}
