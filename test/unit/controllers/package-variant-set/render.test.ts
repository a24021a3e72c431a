import { describe, expect, test } from '@jest/globals';
import type { MapExpr } from '../../../../src/api/generated/package-variant-set.ts';
import { repositoryOf } from '../support.ts';
import { clusterOf, labelled, render, setOf, type Targets, type Template } from './support.ts';

const REPOSITORIES = [
  labelled('my-repo-1', { efg: 'jkl', region: 'north' }),
  labelled('my-repo-2', { foo: 'bar', 'example.com/injector': 'cluster-1' }),
  ...['r1', 'r2', 'edge-1', 'edge-2'].map((name) => repositoryOf(name)),
];
const upstream = { repo: 'blueprints', package: 'foo', revision: 1 };

/** The spec for `my-repo-1` and package `p` by a template. */
function specOf(template: Template) {
  const set = setOf([{ repositories: [{ name: 'my-repo-1', packageNames: ['p'] }], template }]);
  const { desired, faults } = render(set, { repositories: REPOSITORIES });
  expect(faults).toEqual([]);
  return desired[0]?.spec;
}

const selecting = (template: Template): Targets => [
  { objectSelector: { apiVersion: 'infra.example.com/v1', kind: 'Cluster' }, template },
];

describe('targets', () => {
  const placesOf = (...args: Parameters<typeof render>) =>
    render(...args).desired.map(({ spec }) => `${spec.downstream.repo}/${spec.downstream.package}`);

  test('16.167: repositories by name, and those that are selected', () => {
    const set = setOf([
      { repositories: [{ name: 'r1', packageNames: ['p1', 'p2', 'p3'] }, { name: 'r2' }] },
      { repositorySelector: {} },
    ]);
    const objects = (index: number) => (index === 1 ? [repositoryOf('edge-2'), repositoryOf('edge-1')] : []);
    expect(placesOf(set, { repositories: REPOSITORIES, objects })).toEqual([
      'r1/p1',
      'r1/p2',
      'r1/p3',
      'r2/foo',
      'edge-1/foo',
      'edge-2/foo',
    ]);
  });

  test('16.177: objectSelector.name selects one', () => {
    const objects = () => ['edge-1', 'edge-2', 'edge-11'].map((name) => clusterOf(name, { ring: 'a' }));
    const selector = { apiVersion: 'infra.example.com/v1', kind: 'Cluster', name: 'edge-1' };
    expect(placesOf(setOf([{ objectSelector: selector }]), { objects })).toEqual(['edge-1/foo']);
    const other = { ...selector, matchLabels: { ring: 'b' } };
    expect(placesOf(setOf([{ objectSelector: other }]), { objects })).toEqual([]);
  });

  test('16.151: without a template a variant has only upstream and downstream, and its repository need not exist', () => {
    expect(render(setOf([{ repositories: [{ name: 'nowhere' }] }]))).toEqual({
      faults: [],
      desired: [
        {
          target: 'spec.targets[0].repositories[0]',
          labels: {},
          spec: { upstream, downstream: { repo: 'nowhere', package: 'foo' } },
        },
      ],
    });
  });

  test('the upstream package itself is no downstream', () => {
    const { desired, faults } = render(setOf([{ repositories: [{ name: 'blueprints' }, { name: 'r1' }] }]));
    expect(desired).toHaveLength(1);
    expect(faults).toMatchObject([{ target: 'spec.targets[0].repositories[0]', reason: 'ValidationError' }]);
  });
});

describe('a template', () => {
  test('16.152: literals take the place of the defaults', () => {
    expect(specOf({ downstream: { repo: 'my-repo-2', package: 'q' } })?.downstream).toEqual({
      repo: 'my-repo-2',
      package: 'q',
    });
  });

  test('16.153, 16.154: policies and static parts are copied, keys to remove are sorted', () => {
    const template = {
      adoptionPolicy: 'adoptExisting',
      deletionPolicy: 'orphan',
      labels: { a: '1' },
      annotations: { 'approval.nephio.org/policy': 'initial' },
      packageContext: { data: { k: 'v' }, removeKeys: ['z', 'a', 'z'] },
      pipeline: { mutators: [{ name: 'ns', image: 'set-namespace:v0.4.1', configMap: { namespace: 'x' } }] },
      injectors: [{ kind: 'Cluster', name: 'edge' }],
    } as const;
    expect(specOf(template)).toEqual({
      ...template,
      upstream,
      downstream: { repo: 'my-repo-1', package: 'p' },
      packageContext: { data: { k: 'v' }, removeKeys: ['a', 'z'] },
    });
  });

  test('our own fields are copied as well', () => {
    const template = {
      approval: { policy: 'Always', delay: '10m' },
      upgradeStrategy: 'copy-merge',
      revisionHistoryLimit: 3,
    } as const;
    expect(specOf(template)).toMatchObject(template);
  });

  test('16.155: expressions see the defaults, not what took their place', () => {
    const downstream = { repoExpr: "'my-repo-2'", packageExpr: "repoDefault + '-' + packageDefault" };
    expect(specOf({ downstream })?.downstream).toEqual({ repo: 'my-repo-2', package: 'my-repo-1-p' });
  });

  test('16.156: computed labels lie over the static ones', () => {
    const labels = { foo: 'static', keep: 'me' };
    const labelExprs = [
      { key: 'foo', valueExpr: "repoDefault + '-x'" },
      { keyExpr: "repository.labels['efg']", value: 'abc' },
      { key: 'hello', value: 'there' },
    ];
    expect(specOf({ labels, labelExprs })?.labels).toEqual({
      foo: 'my-repo-1-x',
      keep: 'me',
      jkl: 'abc',
      hello: 'there',
    });
  });

  test('16.157: annotations of the upstream revision', () => {
    const annotationExprs = [
      { key: 'contact', valueExpr: "upstream.annotations['contact'] + '/' + upstream.labels.team" },
    ];
    expect(specOf({ annotationExprs })?.annotations).toEqual({ contact: 'a@example.com/net' });
  });

  test('16.158: keys of the context by expression', () => {
    const packageContext = {
      data: { foo: 'bar' },
      dataExprs: [{ keyExpr: 'upstream.namespace', valueExpr: 'upstream.name' }],
      removeKeys: ['m'],
      removeKeyExprs: ["'z' + packageDefault", "'a'", "'m'"],
    };
    expect(specOf({ packageContext })?.packageContext).toEqual({
      data: { foo: 'bar', default: 'blueprints.foo.v1' },
      removeKeys: ['a', 'm', 'zp'],
    });
  });

  test('a template that says anything about the context gives one', () => {
    expect(specOf({ packageContext: {} })).toHaveProperty('packageContext', {});
    expect(specOf({ labels: {}, labelExprs: [] })).not.toHaveProperty('labels');
    expect(specOf({ pipeline: { mutators: [], validators: [] } })).not.toHaveProperty('pipeline');
  });

  test('16.159: injectors by name and by expression', () => {
    const injectors = [
      { group: 'kpt.dev', version: 'v1alpha1', kind: 'Foo', name: 'bar' },
      { kind: 'Foo', nameExpr: "repository.labels['example.com/injector']" },
      { nameExpr: "repository.labels['foo'] + '-x'" },
    ];
    expect(specOf({ downstream: { repo: 'my-repo-2' }, injectors })?.injectors).toEqual([
      { group: 'kpt.dev', version: 'v1alpha1', kind: 'Foo', name: 'bar' },
      { kind: 'Foo', name: 'cluster-1' },
      { name: 'bar-x' },
    ]);
  });

  test('16.160: settings of functions by expression', () => {
    const configMapExprs = [
      { keyExpr: "'k' + repoDefault.substring(8)", valueExpr: 'packageDefault' },
      { key: 'namespace', value: 'computed' },
    ];
    const pipeline = {
      mutators: [
        { image: 'set-namespace:v0.4.1', configMap: { namespace: 'static', other: 'kept' }, configMapExprs },
        { image: 'set-labels:v0.1.5', configMapExprs },
      ],
      validators: [{ name: 'check', image: 'kubeconform:v0.1' }],
    };
    expect(specOf({ pipeline })?.pipeline).toEqual({
      mutators: [
        { image: 'set-namespace:v0.4.1', configMap: { namespace: 'computed', other: 'kept', k1: 'p' } },
        { image: 'set-labels:v0.1.5', configMap: { namespace: 'computed', k1: 'p' } },
      ],
      validators: [{ name: 'check', image: 'kubeconform:v0.1' }],
    });
  });

  test.each([
    ["'foo'", 'foo'],
    ['repoDefault', 'my-repo-1'],
    ['packageDefault', 'p'],
    ["repoDefault + '/' + packageDefault", 'my-repo-1/p'],
    ["target.repo + '/' + target.package", 'my-repo-1/p'],
    ['repository.name + repository.namespace', 'my-repo-1default'],
    ["'zone' in repository.labels ? repository.labels.zone : 'none'", 'none'],
    ['upstream.repo + string(upstream.revision) + upstream.workspaceName', 'blueprints1v1'],
    ["'A.b'.lowerAscii().replace('.', '-')", 'a-b'],
  ])('16.161, 16.162: %s is %s', (valueExpr, expected) => {
    expect(specOf({ annotationExprs: [{ key: 'k', valueExpr }] })?.annotations).toEqual({ k: expected });
  });

  test('16.162: a selected object as the target', () => {
    const annotationExprs = [
      { key: 'k', valueExpr: "target.name + target.labels['foo'] + target.kind + string(target.spec.asn)" },
    ];
    const objects = () => [clusterOf('edge-1', { foo: 'bar' }, { spec: { asn: 64512 } })];
    const { desired } = render(setOf(selecting({ annotationExprs })), { repositories: REPOSITORIES, objects });
    expect(desired[0]?.spec.annotations).toEqual({ k: 'edge-1barCluster64512' });
  });

  test.each<readonly [string, readonly MapExpr[], Record<string, string>]>([
    ['onto nothing', [{ key: 'a', value: 'b' }], { a: 'b' }],
    [
      'a later entry counts',
      [
        { key: 'a', value: 'b' },
        { keyExpr: "'a'", value: 'c' },
      ],
      { a: 'c' },
    ],
    ['an empty value is a value', [{ key: 'a', valueExpr: "''" }], { a: '' }],
  ])('16.164: entries %s', (_case, labelExprs, expected) => {
    expect(specOf({ labelExprs })?.labels).toEqual(expected);
  });

  test('V-03: an expression gives each target its own value', () => {
    const objects = () => ['a', 'b', 'c'].map((name) => clusterOf(name));
    const template = {
      downstream: { repo: 'r1', packageExpr: 'target.name' },
      injectors: [{ nameExpr: "target.name + '-x'" }],
    };
    const { desired } = render(setOf(selecting(template)), { repositories: REPOSITORIES, objects });
    expect(desired.map(({ spec }) => spec.injectors?.[0]?.name)).toEqual(['a-x', 'b-x', 'c-x']);
  });
});

describe('one bad target never stops the others', () => {
  const objects = () =>
    Array.from({ length: 100 }, (_, index) => clusterOf(`c${index}`, index % 40 === 7 ? {} : { zone: 'z' }));

  test('16.163, V-16: a missing key on 3 of 100 targets is told with target and template path', () => {
    const template = {
      downstream: { repo: 'r1', packageExpr: 'target.name' },
      labelExprs: [{ key: 'zone', valueExpr: 'target.labels.zone' }],
    };
    const { desired, faults } = render(setOf(selecting(template)), { repositories: REPOSITORIES, objects });
    expect(desired).toHaveLength(97);
    expect(faults.map(({ target }) => target)).toEqual(
      ['c47', 'c7', 'c87'].map((name) => `spec.targets[0].objectSelector (Cluster ${name})`),
    );
    for (const fault of faults) {
      expect(fault).toMatchObject({ reason: 'ExpressionFailed', passes: false });
      expect(fault.message).toMatch(/^spec\.targets\[0\]\.template\.labelExprs\[0\]\.valueExpr: .*zone/);
    }
  });

  test.each([
    ['16.165: a number', 'target.spec.asn', 'gives a number, not a string'],
    ['V-16: a list', 'target.spec.list', 'gives a list or map, not a string'],
    ['V-16: a megabyte', `[target.name]${'.map(x, x + x + x + x)'.repeat(8)}[0]`, 'characters; 65536 are the limit'],
    ['V-16: no end', `${'[0,1,2,3,4,5,6,7,8,9].all(x, '.repeat(9)}true${')'.repeat(9)} ? 'a' : 'b'`, 'costs more than'],
  ])('%s', (_case, valueExpr, words) => {
    const only = () => [clusterOf('c1', {}, { spec: { asn: 1, list: ['a'] } })];
    const template = { downstream: { repo: 'r1' }, annotationExprs: [{ key: 'a', valueExpr }] };
    const { faults } = render(setOf(selecting(template)), { repositories: REPOSITORIES, objects: only });
    expect(faults.map(({ message }) => message)).toEqual([expect.stringContaining(words)]);
  });

  test('16.166: a repository that does not exist', () => {
    const set = setOf([{ repositories: [{ name: 'nowhere' }, { name: 'r1' }], template: {} }]);
    const { desired, faults } = render(set, { repositories: REPOSITORIES });
    expect(desired.map(({ spec }) => spec.downstream.repo)).toEqual(['r1']);
    expect(faults).toEqual([
      {
        target: 'spec.targets[0].repositories[0]',
        reason: 'RepositoryNotFound',
        message: 'Repository nowhere does not exist',
        passes: true,
      },
    ]);
  });

  test.each([
    [
      'a path that leaves the repository',
      { downstream: { packageExpr: "'../' + packageDefault" } },
      'downstream.package',
    ],
    [
      'a reserved key of the context',
      { packageContext: { dataExprs: [{ keyExpr: "'na' + 'me'", value: 'x' }] } },
      'packageContext.data.name',
    ],
    ['an empty key', { labelExprs: [{ keyExpr: "''", value: 'x' }] }, 'labelExprs[0]'],
    ['an empty name of an injected object', { injectors: [{ nameExpr: "''" }] }, 'injectors[0].nameExpr'],
  ])('%s that an expression gives', (_case, template, field) => {
    const { desired, faults } = render(
      setOf([{ repositories: [{ name: 'r1' }], template }, { repositories: [{ name: 'r2' }] }]),
      {
        repositories: REPOSITORIES,
      },
    );
    expect(desired.map(({ spec }) => spec.downstream.repo)).toEqual(['r2']);
    expect(faults.map(({ message }) => message)).toEqual([expect.stringContaining(field)]);
  });
});
