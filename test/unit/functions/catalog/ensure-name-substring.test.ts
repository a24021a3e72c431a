import { describe, expect, test } from '@jest/globals';
import { ensureNameSubstring } from '../../../../src/functions/catalog/ensure-name-substring/function.ts';
import { getIn, type KrmMap } from '../../../../src/krm/value.ts';
import { itemsOf, messages, run, values } from './support.ts';

const POD_SPEC = `
      serviceAccountName: sa
      imagePullSecrets:
      - name: pull
      volumes:
      - name: v
        configMap:
          name: cm
      - name: w
        secret:
          secretName: other
      - name: x
        persistentVolumeClaim:
          claimName: pvc
      containers:
      - name: c
        envFrom:
        - configMapRef:
            name: cm
        env:
        - name: E
          valueFrom:
            secretKeyRef:
              name: pull
              key: k
`;

function resource(apiVersion: string, kind: string, name: string, body = ''): string {
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}\n${body}`;
}

function prefixed(...resources: string[]) {
  return values(run(ensureNameSubstring, itemsOf(resources.join('---\n')), { prepend: 'dev-' }));
}

describe('ensure-name-substring', () => {
  test.each<[KrmMap, string]>([
    [{ prepend: 'dev-' }, 'dev-a'],
    [{ append: '-dev' }, 'a-dev'],
    [{ apiVersion: 'fn.kpt.dev/v1alpha1', kind: 'EnsureNameSubstring', substring: 'x-' }, 'x-a'],
    [{ apiVersion: 'fn.kpt.dev/v1alpha1', kind: 'EnsureNameSubstring', substring: '-x', editMode: 'append' }, 'a-x'],
  ])('%j', (config, name) => {
    const output = run(ensureNameSubstring, itemsOf(resource('v1', 'ConfigMap', 'a')), config);
    expect(output).toMatchObject({ exitCode: 0, results: [] });
    expect(getIn(values(output)[0], ['metadata', 'name'])).toBe(name);
  });

  test('H 167: a second run changes nothing', () => {
    const items = itemsOf(`${resource('v1', 'ConfigMap', 'a')}---\n${resource('apps/v1', 'Deployment', 'b')}`);
    const first = run(ensureNameSubstring, items, { prepend: 'dev-' });
    const second = run(ensureNameSubstring, first.items, { prepend: 'dev-' });
    expect(second.items[0]).toBe(first.items[0]);
    expect(second.items[1]).toBe(first.items[1]);
  });

  test.each([
    ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
    ['apiregistration.k8s.io/v1', 'APIService'],
    ['v1', 'Namespace'],
    ['kpt.dev/v1', 'Kptfile'],
  ])('the name of a %s %s says something by itself', (apiVersion, kind) => {
    expect(getIn(prefixed(resource(apiVersion, kind, 'a'))[0], ['metadata', 'name'])).toBe('a');
  });

  test('S-08: local configuration keeps its name', () => {
    const context = resource(
      'v1',
      'ConfigMap',
      'kptfile.kpt.dev',
      '  annotations:\n    config.kubernetes.io/local-config: "true"\n',
    );
    expect(getIn(prefixed(context)[0], ['metadata', 'name'])).toBe('kptfile.kpt.dev');
  });

  test('what pods refer to is followed, and only that', () => {
    const [deployment] = prefixed(
      resource('apps/v1', 'Deployment', 'd', `spec:\n  template:\n    spec:${POD_SPEC}`),
      resource('v1', 'ConfigMap', 'cm'),
      resource('v1', 'Secret', 'pull'),
      resource('v1', 'ServiceAccount', 'sa'),
      resource('v1', 'PersistentVolumeClaim', 'pvc'),
      resource('v1', 'Service', 'other'),
    );
    expect(getIn(deployment, ['spec', 'template', 'spec'])).toMatchObject({
      serviceAccountName: 'dev-sa',
      imagePullSecrets: [{ name: 'dev-pull' }],
      volumes: [
        { configMap: { name: 'dev-cm' } },
        { secret: { secretName: 'other' } },
        { persistentVolumeClaim: { claimName: 'dev-pvc' } },
      ],
      containers: [
        {
          envFrom: [{ configMapRef: { name: 'dev-cm' } }],
          env: [{ valueFrom: { secretKeyRef: { name: 'dev-pull' } } }],
        },
      ],
    });
  });

  test('a resource of another namespace with the same name is another resource', () => {
    const [pod] = prefixed(
      resource('v1', 'Pod', 'dev-p', '  namespace: b\nspec:\n  serviceAccountName: sa\n'),
      resource('v1', 'ServiceAccount', 'sa', '  namespace: a\n'),
    );
    expect(getIn(pod, ['spec', 'serviceAccountName'])).toBe('sa');
  });

  test('references that say their kind are followed', () => {
    const [binding, scaler, role] = prefixed(
      resource(
        'rbac.authorization.k8s.io/v1',
        'ClusterRoleBinding',
        'b',
        'roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: r\nsubjects:\n- kind: ServiceAccount\n  name: sa\n  namespace: n\n- kind: User\n  name: sa\n',
      ),
      resource(
        'autoscaling/v2',
        'HorizontalPodAutoscaler',
        'h',
        'spec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: d\n',
      ),
      resource(
        'rbac.authorization.k8s.io/v1',
        'ClusterRole',
        'r',
        'rules:\n- resources: [configmaps]\n  resourceNames: [cm, else]\n',
      ),
      resource('v1', 'ServiceAccount', 'sa', '  namespace: n\n'),
      resource('apps/v1', 'Deployment', 'd'),
      resource('v1', 'ConfigMap', 'cm'),
    );
    expect(binding).toMatchObject({ roleRef: { name: 'dev-r' }, subjects: [{ name: 'dev-sa' }, { name: 'sa' }] });
    expect(getIn(scaler, ['spec', 'scaleTargetRef', 'name'])).toBe('dev-d');
    expect(getIn(role, ['rules', 0, 'resourceNames'])).toEqual(['dev-cm', 'else']);
  });

  test('the list of what a resource waits for is followed', () => {
    const annotation = 'config.kubernetes.io/depends-on';
    const [job] = prefixed(
      resource(
        'batch/v1',
        'Job',
        'j',
        `  annotations:\n    ${annotation}: apps/namespaces/n/Deployment/d, /PersistentVolume/v,/Namespace/n\n`,
      ),
      resource('apps/v1', 'Deployment', 'd', '  namespace: n\n'),
      resource('v1', 'PersistentVolume', 'v'),
    );
    expect(getIn(job, ['metadata', 'annotations', annotation])).toBe(
      'apps/namespaces/n/Deployment/dev-d, /PersistentVolume/dev-v,/Namespace/n',
    );
  });

  test('further fields get the text as names do', () => {
    const config = {
      apiVersion: 'fn.kpt.dev/v1alpha1',
      kind: 'EnsureNameSubstring',
      substring: 'dev-',
      additionalNameFields: [{ path: 'spec/hosts[]/id', group: 'x.test', kind: 'Custom' }],
    };
    const items = itemsOf(resource('x.test/v1', 'Custom', 'c', 'spec:\n  hosts:\n  - id: a\n  - id: dev-b\n'));
    expect(getIn(values(run(ensureNameSubstring, items, config))[0], ['spec', 'hosts'])).toEqual([
      { id: 'dev-a' },
      { id: 'dev-b' },
    ]);
  });

  test.each<[string, KrmMap | undefined, string]>([
    ['no configuration', undefined, 'the functionConfig is missing'],
    ['two entries', { prepend: 'a', append: 'b' }, 'only 1 entry is allowed in the ConfigMap, but got: 2'],
    ['another mode', { replace: 'a' }, 'unknown editMode: replace, only prepend and append are allowed'],
    ['no text', { prepend: '' }, 'substring must not be empty'],
    [
      'both names of the fields',
      {
        apiVersion: 'fn.kpt.dev/v1alpha1',
        kind: 'EnsureNameSubstring',
        substring: 'a',
        fieldSpecs: [],
        additionalNameFields: [],
      },
      '`fieldSpecs` has been deprecated, please rename it to `additionalNameFields`',
    ],
  ])('fails with %s', (_, config, message) => {
    const output = run(ensureNameSubstring, [], config);
    expect(output.exitCode).toBe(1);
    expect(messages(output)).toEqual([`failed to load the \`functionConfig\`: ${message}`]);
  });
});
