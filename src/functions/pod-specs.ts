import type { FieldSpec } from './field-specs.ts';

const TEMPLATE = 'spec/template/spec';

/** Where the kinds of Kubernetes keep the specification of a pod. */
export const POD_SPECS: readonly FieldSpec[] = [
  { group: '', version: 'v1', kind: 'Pod', path: 'spec' },
  { group: '', version: 'v1', kind: 'PodTemplate', path: 'template/spec' },
  { group: '', version: 'v1', kind: 'ReplicationController', path: TEMPLATE },
  ...['Deployment', 'ReplicaSet', 'DaemonSet'].flatMap((kind) => [
    { group: 'apps', kind, path: TEMPLATE },
    { group: 'extensions', kind, path: TEMPLATE },
  ]),
  { group: 'apps', kind: 'StatefulSet', path: TEMPLATE },
  { group: 'batch', kind: 'Job', path: TEMPLATE },
  { group: 'batch', kind: 'CronJob', path: `spec/jobTemplate/${TEMPLATE}` },
];
