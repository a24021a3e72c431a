import type { FieldSpec } from '../../field-specs.ts';

const POD_TEMPLATE = 'spec/template/metadata/annotations';

/** Where annotations are put. */
export const ANNOTATION_FIELDS: readonly FieldSpec[] = [
  { path: 'metadata/annotations', create: true },
  { group: '', version: 'v1', kind: 'ReplicationController', path: POD_TEMPLATE, create: true },
  { kind: 'Deployment', path: POD_TEMPLATE, create: true },
  { kind: 'ReplicaSet', path: POD_TEMPLATE, create: true },
  { kind: 'DaemonSet', path: POD_TEMPLATE, create: true },
  { kind: 'StatefulSet', path: POD_TEMPLATE, create: true },
  { group: 'batch', kind: 'Job', path: POD_TEMPLATE, create: true },
  { group: 'batch', kind: 'CronJob', path: 'spec/jobTemplate/metadata/annotations', create: true },
  { group: 'batch', kind: 'CronJob', path: `spec/jobTemplate/${POD_TEMPLATE}`, create: true },
];
