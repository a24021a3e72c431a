import { describe, expect, test } from '@jest/globals';
import { setNamespace } from '../../../../src/functions/catalog/set-namespace/function.ts';
import { getString, type KrmMap } from '../../../../src/krm/value.ts';
import { itemsOf, messages, run, values } from './support.ts';

const UP_TO_DATE = 'all `depends-on` annotations are up-to-date. no `namespace` changed';

function resource(apiVersion: string, kind: string, name: string, rest = ''): string {
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}\n${rest}`;
}

function binding(kind: string, account: string, namespace: string): string {
  const subjects = `subjects:\n- kind: ServiceAccount\n  name: ${account}\n  namespace: ${namespace}\n`;
  return resource('rbac.authorization.k8s.io/v1', kind, 'b', subjects);
}

function apply(config: KrmMap, ...documents: string[]) {
  return run(setNamespace, itemsOf(documents.join('---\n')), config);
}

describe('set-namespace', () => {
  test('puts namespaced kinds into the namespace and leaves unknown kinds without one alone', () => {
    const output = apply(
      { namespace: 'staging' },
      resource('apps/v1', 'Deployment', 'web'),
      resource('custom.io/v1', 'Custom', 'c'),
      resource('custom.io/v1', 'Custom', 'd', '  namespace: db\n'),
      resource('v1', 'Namespace', 'old'),
      resource('rbac.authorization.k8s.io/v1', 'ClusterRole', 'r', '  namespace: wrong\n'),
    );
    expect(values(output).map((value) => getString(value, ['metadata', 'namespace']))).toEqual([
      'staging',
      undefined,
      'staging',
      undefined,
      'wrong',
    ]);
    expect(getString(values(output)[3], ['metadata', 'name'])).toBe('staging');
    expect(messages(output)).toEqual([
      'namespace [db default old] updated to "staging", 3 value(s) changed',
      UP_TO_DATE,
    ]);
  });

  test('what is right already comes back as the same object', () => {
    const items = itemsOf(resource('v1', 'ConfigMap', 'a', '  namespace: staging\n'));
    const output = run(setNamespace, items, { namespace: 'staging' });
    expect(output.items[0]).toBe(items[0]);
    expect(messages(output)).toEqual(['all matching namespaces are already "staging". no value changed', UP_TO_DATE]);
  });

  test('S-08: local configuration is left alone', () => {
    const local = '  annotations:\n    config.kubernetes.io/local-config: "true"\n';
    const items = itemsOf(resource('v1', 'ConfigMap', 'a', local));
    expect(run(setNamespace, items, { namespace: 'staging' }).items[0]).toBe(items[0]);
  });

  test('H 155: with a matcher only what is in that namespace moves', () => {
    const output = apply(
      { namespace: 'new', namespaceMatcher: 'a' },
      resource('v1', 'ConfigMap', 'a', '  namespace: a\n'),
      resource('v1', 'ConfigMap', 'b', '  namespace: b\n'),
      resource('v1', 'ConfigMap', 'none'),
      resource('v1', 'Namespace', 'a'),
      resource('v1', 'Namespace', 'b'),
      binding('ClusterRoleBinding', 'elsewhere', 'a'),
    );
    const [a, b, none, ...rest] = values(output);
    expect([a, b, none].map((value) => getString(value, ['metadata', 'namespace']))).toEqual(['new', 'b', undefined]);
    expect(rest.map((value) => getString(value, ['metadata', 'name']))).toEqual(['new', 'b', 'b']);
    expect(getString(rest[2], ['subjects', 0, 'namespace'])).toBe('new');
  });

  test.each(['ClusterRoleBinding', 'RoleBinding'])(
    'H 154: a %s follows the service accounts of the package',
    (kind) => {
      const output = apply(
        { namespace: 'new' },
        resource('v1', 'ServiceAccount', 'mine', '  namespace: old\n'),
        binding(kind, 'mine', 'old'),
      );
      expect(getString(values(output)[1], ['subjects', 0, 'namespace'])).toBe('new');
    },
  );

  test('S-08: equal identities in different files are moved, each in its file', () => {
    const items = [
      ...itemsOf(resource('v1', 'ConfigMap', 'a', '  namespace: one\n'), 'one.yaml'),
      ...itemsOf(resource('v1', 'ConfigMap', 'a', '  namespace: one\n'), 'two.yaml'),
    ];
    const output = run(setNamespace, items, { namespace: 'new' });
    expect(output.exitCode).toBe(0);
    expect(output.items.map(({ path, value }) => [path, getString(value, ['metadata', 'namespace'])])).toEqual([
      ['one.yaml', 'new'],
      ['two.yaml', 'new'],
    ]);
  });

  test('S-07: a binding to an account of another bundle keeps its namespace', () => {
    const output = apply(
      { namespace: 'new' },
      resource('v1', 'ServiceAccount', 'mine', '  namespace: old\n'),
      binding('ClusterRoleBinding', 'theirs', 'other-bundle'),
    );
    expect(getString(values(output)[1], ['subjects', 0, 'namespace'])).toBe('other-bundle');
  });

  test('a CRD without conversion webhook and an APIService without service get none', () => {
    const items = itemsOf(
      `${resource('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'crd', 'spec: {}\n')}---\n${resource('apiregistration.k8s.io/v1', 'APIService', 'api', 'spec: {}\n')}`,
    );
    const output = run(setNamespace, items, { namespace: 'new' });
    expect(output.items).toEqual(items);
  });

  test("a CRD's conversion webhook follows the service of the package", () => {
    const crd =
      'spec:\n  conversion:\n    webhook:\n      clientConfig:\n        service: {name: hook, namespace: system}\n';
    const output = apply(
      { namespace: 'new' },
      resource('v1', 'Service', 'hook', '  namespace: system\n'),
      resource('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'crd', crd),
    );
    const path = ['spec', 'conversion', 'webhook', 'clientConfig', 'service', 'namespace'];
    expect(getString(values(output)[1], path)).toBe('new');
  });

  test('depends-on follows the resources that move', () => {
    const annotation = 'apps/namespaces/old/Deployment/web, apps/namespaces/far/Deployment/db';
    const output = apply(
      { namespace: 'new' },
      resource('apps/v1', 'Deployment', 'web', '  namespace: old\n'),
      resource(
        'v1',
        'ConfigMap',
        'a',
        `  namespace: old\n  annotations:\n    config.kubernetes.io/depends-on: ${annotation}\n`,
      ),
    );
    expect(getString(values(output)[1], ['metadata', 'annotations', 'config.kubernetes.io/depends-on'])).toBe(
      annotation.replace('old', 'new'),
    );
    expect(messages(output)[1]).toBe('`depends-on` annotation namespace [old] updated to "new", 1 value(s) changed');
  });

  test('two Namespace objects do not become one', () => {
    const output = apply({ namespace: 'new' }, resource('v1', 'Namespace', 'a'), resource('v1', 'Namespace', 'b'));
    expect(output.exitCode).toBe(1);
    expect(messages(output)).toEqual([expect.stringContaining('[a b]')]);
  });

  test.each<[string, KrmMap | undefined]>([
    [
      'the package context',
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kptfile.kpt.dev' }, data: { name: 'new' } },
    ],
    [
      'its own kind',
      { apiVersion: 'fn.kpt.dev/v1alpha1', kind: 'SetNamespace', metadata: { name: 'x' }, namespace: 'new' },
    ],
  ])('takes its configuration from %s', (_, config) => {
    const output = run(setNamespace, itemsOf(resource('v1', 'ConfigMap', 'a')), config);
    expect(getString(values(output)[0], ['metadata', 'namespace'])).toBe('new');
  });

  test.each<[string, KrmMap | undefined, string]>([
    ['none', undefined, 'FunctionConfig is missing'],
    ['H 156: one without a namespace', { namespace: '' }, '`data.namespace` should not be empty'],
    ['another kind', { apiVersion: 'v1', kind: 'Secret' }, 'unknown functionConfig Kind=Secret'],
  ])('fails for a configuration that is %s', (_, config, message) => {
    const output = run(setNamespace, itemsOf(resource('v1', 'ConfigMap', 'a')), config);
    expect(output.exitCode).toBe(1);
    expect(messages(output)[0]).toContain(message);
  });
});
