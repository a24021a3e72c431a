import { describe, expect, test } from '@jest/globals';
import { listKeys, listKeysIn } from '../../../../src/krm/schema/list-keys.ts';
import type { KrmPath } from '../../../../src/krm/value.ts';

const POD = ['spec', 'template', 'spec'];
const TCP = { name: 'protocol', default: 'TCP' };

describe('listKeys', () => {
  test.each<[string, string, KrmPath, unknown]>([
    ['apps/v1', 'Deployment', [...POD, 'containers'], [{ name: 'name' }]],
    ['apps/v1', 'Deployment', [...POD, 'initContainers'], [{ name: 'name' }]],
    ['apps/v1', 'StatefulSet', [...POD, 'volumes'], [{ name: 'name' }]],
    ['apps/v1', 'DaemonSet', [...POD, 'containers', 0, 'volumeMounts'], [{ name: 'mountPath' }]],
    ['apps/v1', 'Deployment', [...POD, 'containers', 3, 'env'], [{ name: 'name' }]],
    ['apps/v1', 'Deployment', [...POD, 'containers', 0, 'ports'], [{ name: 'containerPort' }, TCP]],
    ['apps/v1', 'Deployment', [...POD, 'hostAliases'], [{ name: 'ip' }]],
    ['v1', 'Service', ['spec', 'ports'], [{ name: 'port' }, TCP]],
    ['v1', 'Pod', ['spec', 'topologySpreadConstraints'], [{ name: 'topologyKey' }, { name: 'whenUnsatisfiable' }]],
    ['v1', 'ServiceAccount', ['secrets'], [{ name: 'name' }]],
    ['v1', 'ConfigMap', ['metadata', 'ownerReferences'], [{ name: 'uid' }]],
    ['batch/v1', 'CronJob', ['spec', 'jobTemplate', ...POD, 'containers'], [{ name: 'name' }]],
    ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', ['webhooks'], [{ name: 'name' }]],
  ])('%s %s: items of %j are told apart by %j', (apiVersion, kind, path, keys) => {
    expect(listKeys(apiVersion, kind, path)).toEqual({ type: 'map', keys });
  });

  test.each<[string, string, KrmPath, string]>([
    ['v1', 'ConfigMap', ['metadata', 'finalizers'], 'set'],
    ['apps/v1', 'Deployment', [...POD, 'tolerations'], 'atomic'],
    ['apps/v1', 'Deployment', [...POD, 'containers', 0, 'args'], 'atomic'],
    ['rbac.authorization.k8s.io/v1', 'ClusterRole', ['rules'], 'atomic'],
    ['rbac.authorization.k8s.io/v1', 'RoleBinding', ['subjects'], 'atomic'],
    ['networking.k8s.io/v1', 'Ingress', ['spec', 'rules'], 'atomic'],
  ])('%s %s: the list %j is %s', (apiVersion, kind, path, type) => {
    expect(listKeys(apiVersion, kind, path)).toEqual({ type });
  });

  test.each<[string, string, string, KrmPath]>([
    ['the kind', 'example.test/v1', 'Deployment', ['spec', 'containers']],
    ['the version', 'apps/v9', 'Deployment', [...POD, 'containers']],
    ['the field', 'apps/v1', 'Deployment', [...POD, 'kontainers']],
    ['a part of the path', 'apps/v1', 'Deployment', ['spec', 0, 'containers']],
    ['a kind with a name that every object has', 'apps/v1', 'constructor', ['x']],
  ])('nothing is said when %s is not known', (_, apiVersion, kind, path) => {
    expect(listKeys(apiVersion, kind, path)).toBeUndefined();
  });

  test('what is no list has no keys', () => {
    expect(listKeys('apps/v1', 'Deployment', POD)).toBeUndefined();
    expect(listKeys('apps/v1', 'Deployment', ['spec', 'replicas'])).toBeUndefined();
  });

  test('the schema of a CustomResourceDefinition is read in the same way', () => {
    const schema = {
      type: 'object',
      properties: {
        parts: {
          type: 'array',
          items: { type: 'object', properties: { id: { type: 'string' } } },
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['id'],
        },
      },
    } as const;
    expect(listKeysIn(schema, ['parts'])).toEqual({ type: 'map', keys: [{ name: 'id' }] });
  });
});
