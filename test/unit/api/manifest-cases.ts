/** Manifests as people write them; `old` is what stood there before. */
export interface ManifestCase {
  readonly name: string;
  readonly manifest: object;
  readonly old?: object;
  readonly expected: readonly string[];
}

export const pv = (spec: object, name = 'shop-edge') => ({
  apiVersion: 'config.porch.kpt.dev/v1alpha1',
  kind: 'PackageVariant',
  metadata: { name, namespace: 'default' },
  spec,
});
export const ends = {
  upstream: { repo: 'blueprints', package: 'shop' },
  downstream: { repo: 'edge-01', package: 'shop' },
};
const repository = (spec: object, name = 'edge-01') => ({
  apiVersion: 'config.porch.kpt.dev/v1alpha1',
  kind: 'Repository',
  metadata: { name },
  spec,
});
const revision = (spec: object) => ({
  apiVersion: 'porch.kpt.dev/v1alpha2',
  kind: 'PackageRevision',
  metadata: { name: 'edge-01.shop.v1' },
  spec: { packageName: 'shop', repository: 'edge-01', workspaceName: 'v1', ...spec },
});
const set = (spec: object) => ({
  apiVersion: 'config.porch.kpt.dev/v1alpha2',
  kind: 'PackageVariantSet',
  metadata: { name: 'shops' },
  spec,
});
const target = (fields: object) =>
  set({ upstream: { ...ends.upstream, revision: 1 }, targets: [{ repositories: [{ name: 'edge-01' }], ...fields }] });

const LIFECYCLE = 'the lifecycle moves Draft <-> Proposed -> Published <-> DeletionProposed only';
const CREDENTIALS = 'credentials do not belong in the URL; put them in a Secret and name it in secretRef';
const LABEL_VALUE = 'must match ^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$';
const UNSAFE = "must be a relative path without empty parts, '.', '..' or .git";

/** What an API server accepts. */
export const good: readonly Omit<ManifestCase, 'expected'>[] = [
  { name: 'the smallest variant', manifest: pv(ends) },
  { name: '16.1.5: a variant without policies', manifest: pv({ ...ends, adoptionPolicy: '', deletionPolicy: '' }) },
  {
    name: '16.1.7: adoptExisting and orphan',
    manifest: pv({ ...ends, adoptionPolicy: 'adoptExisting', deletionPolicy: 'orphan' }),
  },
  {
    name: '16.1.8: context data and other keys to remove',
    manifest: pv({ ...ends, packageContext: { data: { foo: 'a', hello: 'b' }, removeKeys: ['bar', 'foobar'] } }),
  },
  {
    name: '16.1.13: an injector with and one without a kind',
    manifest: pv({ ...ends, injectors: [{ group: '', version: 'v1', kind: 'ConfigMap', name: 'a' }, { name: 'b' }] }),
  },
  {
    name: 'names and labels of 63 characters, and all that approval annotations may say',
    manifest: pv(
      {
        ...ends,
        downstream: { repo: 'r'.repeat(63), package: `${'p'.repeat(63)}/${'q'.repeat(63)}` },
        labels: { site: 'x'.repeat(63), empty: '' },
        annotations: { 'approval.nephio.org/policy': 'always', 'approval.nephio.org/delay': '1h30m' },
      },
      'v'.repeat(63),
    ),
  },
  ...[1, -1, 0].flatMap((number) =>
    [undefined, 'main'].map((workspaceName) => ({
      name: `16.1.16: revision ${number} with workspace ${workspaceName}`,
      manifest: pv({ ...ends, upstream: { ...ends.upstream, revision: number, workspaceName } }),
    })),
  ),
  {
    name: 'a repository as clients write it',
    manifest: repository({
      type: 'git',
      git: { repo: 'git@example.com:a/b.git', directory: '/', secretRef: { name: '' } },
    }),
  },
  {
    name: 'a user name in an ssh address',
    manifest: repository({ git: { repo: 'ssh://git@example.com/a/b.git' } }),
  },
  {
    name: 'a clone by name',
    manifest: revision({ lifecycle: 'Draft', source: { cloneFrom: { upstreamRef: { name: 'blueprints.shop.v1' } } } }),
  },
  {
    name: 'a source that a client wrote back with empty fields',
    manifest: revision({
      lifecycle: 'Proposed',
      source: { cloneFrom: { type: 'git', git: { repo: 'https://x/y', directory: '', secretRef: { name: '' } } } },
    }),
    old: revision({ source: { cloneFrom: { type: 'git', git: { repo: 'https://x/y' } } } }),
  },
  {
    name: 'a clone of an image that a client wrote back with empty fields',
    manifest: revision({
      lifecycle: 'Proposed',
      source: { cloneFrom: { type: 'oci', oci: { image: 'r.example.com/a:v1', secretRef: { name: '' } } } },
    }),
    old: revision({ source: { cloneFrom: { type: 'oci', oci: { image: 'r.example.com/a:v1' } } } }),
  },
  {
    name: 'an upgrade to an image',
    manifest: revision({
      source: {
        upgrade: { currentPackage: { name: 'c' }, oci: { image: `[::1]:5000/a:v1@sha256:${'a'.repeat(64)}` } },
      },
    }),
  },
  {
    name: 'a directory of a repository written another way',
    manifest: repository({ git: { repo: 'https://x/y', directory: '/', branch: 'main', secretRef: { name: '' } } }),
    old: repository({ git: { repo: 'https://x/y' } }),
  },
  {
    name: '7.8.132: a repository that is described, deployed, read and reached in another way',
    manifest: repository({
      description: 'Shops.',
      deployment: true,
      sync: { schedule: '0 * * * *' },
      git: { repo: 'https://x/y', secretRef: { name: 'b' }, author: 'A', email: 'a@example.com' },
    }),
    old: repository({ git: { repo: 'https://x/y', secretRef: { name: 'a' } } }),
  },
  {
    name: 'a kind of somebody else',
    manifest: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: {} },
  },
  { name: 'a set with a repository', manifest: target({}) },
  {
    name: 'a revision of a package whose name is as long as a label',
    manifest: { ...revision({}), metadata: { name: `edge-01.${'a'.repeat(67)}.v1` } },
  },
];

function functionConfig(spec: object): object {
  const metadata = { name: 'set-labels', namespace: 'veranda-system' };
  return { apiVersion: 'config.porch.kpt.dev/v1alpha1', kind: 'FunctionConfig', metadata, spec };
}

/** What an API server refuses; `expected` is what is said without one. */
export const bad: readonly ManifestCase[] = [
  {
    name: 'a function configuration that configures nothing',
    manifest: functionConfig({ image: 'set-labels' }),
    expected: ['spec: at least one of podExecutor, binaryExecutor and goExecutor must be set'],
  },
  {
    name: 'a function configuration with a whole image name, and limits that contradict each other',
    manifest: functionConfig({
      image: 'example.com/set-labels:v1',
      podExecutor: { timeToLive: 'long', minPods: 3, maxPods: 2 },
    }),
    expected: [
      'spec.image: must be the last part of an image name, without registry, tag and digest',
      'spec.podExecutor.timeToLive: must be a duration such as 90s or 30m',
      'spec.podExecutor.minPods: minPods must not be above maxPods',
    ],
  },
  {
    name: '16.1.1: a variant without spec',
    manifest: { ...pv({}), spec: undefined },
    expected: ['spec.upstream: is required', 'spec.downstream: is required'],
  },
  {
    name: '16.1.2: upstream and downstream without package',
    manifest: pv({ downstream: { repo: 'b' }, upstream: { repo: 'a' } }),
    expected: ['spec.upstream.package: is required', 'spec.downstream.package: is required'],
  },
  {
    name: '16.1.3: an empty upstream',
    manifest: pv({ ...ends, upstream: {} }),
    expected: ['spec.upstream.repo: is required', 'spec.upstream.package: is required'],
  },
  {
    name: '16.1.4: an upstream with a repository only',
    manifest: pv({ ...ends, upstream: { repo: 'a' } }),
    expected: ['spec.upstream.package: is required'],
  },
  {
    name: '16.1.6: unknown policies',
    manifest: pv({ ...ends, adoptionPolicy: 'invalid', deletionPolicy: 'invalid' }),
    expected: [
      'spec.adoptionPolicy: must be one of adoptNone, adoptExisting',
      'spec.deletionPolicy: must be one of delete, orphan',
    ],
  },
  ...['name', 'package-path'].flatMap((key) => [
    {
      name: `16.1.9 and 16.1.11: context data with key ${key}`,
      manifest: pv({ ...ends, packageContext: { data: { [key]: 'x' } } }),
      expected: [`spec.packageContext.data.${key}: the keys name and package-path belong to the service`],
    },
    {
      name: `16.1.10 and 16.1.12: key ${key} to remove`,
      manifest: pv({ ...ends, packageContext: { removeKeys: ['a', key] } }),
      expected: ['spec.packageContext.removeKeys[1]: the keys name and package-path belong to the service'],
    },
  ]),
  {
    name: '16.1.14: an injector without a name',
    manifest: pv({ ...ends, injectors: [{ name: 'a' }, { name: '' }] }),
    expected: ['spec.injectors[1].name: must not be empty'],
  },
  {
    name: '16.1.19: a revision that is a text',
    manifest: pv({ ...ends, upstream: { ...ends.upstream, revision: 'v3' } }),
    expected: ['spec.upstream.revision: must be an integer, not a string'],
  },
  {
    name: '16.1.20: a key to set and to remove',
    manifest: pv({ ...ends, packageContext: { data: { a: 'x' }, removeKeys: ['a'] } }),
    expected: ['spec.packageContext.removeKeys[0]: a key must not be both in data and in removeKeys'],
  },
  {
    name: '16.1.21: dots in the names of a variant and of a function',
    manifest: pv({ ...ends, pipeline: { mutators: [{ name: 'a.b', image: 'set-labels' }] } }, 'shop.edge'),
    expected: [
      "metadata.name: a package variant's name must not contain a dot, because it becomes part of the names of its pipeline steps",
      'spec.pipeline.mutators[0].name: must match ^[^.]*$',
    ],
  },
  {
    name: '16.1.22: a function without image and exec',
    manifest: pv({ ...ends, pipeline: { validators: [{ configMap: { a: 'b' } }] } }),
    expected: ['spec.pipeline.validators[0]: exactly one of image and exec must be set'],
  },
  {
    name: '16.1.23: the label of the latest revision',
    manifest: pv({ ...ends, labels: { 'kpt.dev/latest-revision': 'true' } }),
    expected: ['spec.labels: the latest-revision label belongs to the service'],
  },
  {
    name: '16.1.24: a variant of itself',
    manifest: pv({ ...ends, downstream: ends.upstream }),
    expected: ['spec.downstream: downstream must not be the upstream package itself'],
  },
  {
    name: 'misspelt fields',
    manifest: pv({ ...ends, deletionpolicy: 'orphan', upstream: { ...ends.upstream, workspace: 'main' } }),
    expected: [
      'spec.upstream.workspace: unknown field',
      'spec.deletionpolicy: unknown field; did you mean deletionPolicy?',
    ],
  },
  {
    name: 'an unsafe downstream package',
    manifest: pv({ ...ends, downstream: { repo: 'b', package: 'a/../../etc' } }),
    expected: [`spec.downstream.package: ${UNSAFE}`],
  },
  {
    name: 'labels that no package revision could bear',
    manifest: pv({ ...ends, labels: { site: 'a b', team: 'x'.repeat(64) } }),
    expected: [`spec.labels.site: ${LABEL_VALUE}`, 'spec.labels.team: must have at most 63 characters'],
  },
  {
    name: '16.18: annotations of approval that are none',
    manifest: pv({
      ...ends,
      annotations: { 'approval.nephio.org/policy': 'sometimes', 'approval.nephio.org/delay': 'soon' },
    }),
    expected: [
      'spec.annotations: approval.nephio.org/policy must be initial or always',
      'spec.annotations: approval.nephio.org/delay must be a duration such as 30s or 10m',
    ],
  },
  {
    name: 'W-37: a template of which no variant could be made',
    manifest: target({
      template: {
        labels: { 'kpt.dev/latest-revision': 'true', site: 'a b' },
        annotations: { 'approval.nephio.org/policy': 'sometimes' },
      },
    }),
    expected: [
      'spec.targets[0].template.labels: the latest-revision label belongs to the service',
      `spec.targets[0].template.labels.site: ${LABEL_VALUE}`,
      'spec.targets[0].template.annotations: approval.nephio.org/policy must be initial or always',
    ],
  },
  {
    name: 'numbers where texts belong, and a null',
    manifest: pv({ ...ends, labels: { tier: 1 }, annotations: null }),
    expected: ['spec.labels.tier: must be a string, not a number', 'spec.annotations: must be a map, not null'],
  },
  {
    name: 'a delay that is none',
    manifest: pv({ ...ends, approval: { policy: 'always', delay: 'soon' } }),
    expected: [
      'spec.approval.policy: must be one of Manual, Initial, Always, WhenReady',
      'spec.approval.delay: must match ^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+$',
    ],
  },
  {
    name: 'an unknown kind of a known group',
    manifest: { ...pv(ends), kind: 'PackageVarient' },
    expected: ['kind: no such kind in config.porch.kpt.dev; did you mean PackageVariant?'],
  },
  {
    name: 'a version that is not served',
    manifest: { ...revision({}), apiVersion: 'porch.kpt.dev/v1alpha1' },
    expected: ['apiVersion: PackageRevision is served as porch.kpt.dev/v1alpha2 only'],
  },
  {
    name: 'an object without anything',
    manifest: {},
    expected: ['apiVersion: is required', 'metadata.name: is required'],
  },
  {
    name: 'bad metadata',
    manifest: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'A_b', namespace: '../x', annotations: { 'example.com/on': true } },
    },
    expected: [
      "metadata.name: must be lower-case letters, digits, '-' and '.', at most 253 characters",
      'metadata.namespace: must be a DNS label',
      'metadata.annotations["example.com/on"]: must be a string; put it in quotes',
    ],
  },
  {
    name: '7.8.134: a repository with two storages and a dotted name',
    manifest: repository({ git: { repo: 'https://x/y' }, oci: {} }, 'a.b'),
    expected: [
      "metadata.name: a repository's name must be a DNS label of at most 63 characters, because it starts the names of its package revisions",
      'spec: exactly one of git and oci must be set',
    ],
  },
  {
    name: 'type git without git',
    manifest: repository({ type: 'git', oci: {} }),
    expected: ['spec.type: type is git but git is not set'],
  },
  {
    name: 'type oci without oci',
    manifest: repository({ type: 'oci', git: { repo: 'https://x/y' } }),
    expected: ['spec.type: type is oci but oci is not set'],
  },
  ...['ext::sh -c id', '-upload-pack=x', 'fd::17/foo'].map((repo) => ({
    name: `the hostile address ${repo}`,
    manifest: repository({ git: { repo } }),
    expected: ['spec.git.repo: this is not the address of a git repository'],
  })),
  ...['https://me:s3cr3t@example.com/a', 'https://s3cr3t@example.com/a', 'ssh://me:s3cr3t@example.com/a'].map(
    (repo) => ({
      name: `credentials in ${repo.split(':')[0]} address ${repo.length}`,
      manifest: repository({ git: { repo } }),
      expected: [`spec.git.repo: ${CREDENTIALS}`],
    }),
  ),
  {
    name: 'a directory outside',
    manifest: repository({ git: { repo: 'https://x/y', directory: '../a' } }),
    expected: ['spec.git.directory: must not contain .. or .git'],
  },
  {
    name: '7.8.132: a repository that moves',
    manifest: repository({ git: { repo: 'https://x/z', branch: 'next', directory: 'b' } }),
    old: repository({ type: 'git', git: { repo: 'https://x/y', directory: 'a' } }),
    expected: [
      'spec.type: type is immutable',
      'spec.git.repo: repo is immutable',
      'spec.git.branch: branch is immutable',
      'spec.git.directory: directory is immutable',
    ],
  },
  {
    name: 'a registry that moves',
    manifest: repository({ type: 'oci', oci: { registry: 'b' } }),
    old: repository({ type: 'oci', oci: { registry: 'a' } }),
    expected: ['spec.oci.registry: registry is immutable'],
  },
  {
    name: 'a package revision that is renamed',
    manifest: revision({ packageName: 'a', repository: 'b', workspaceName: 'c' }),
    old: revision({}),
    expected: [
      'spec.packageName: packageName is immutable',
      'spec.repository: repository is immutable',
      'spec.workspaceName: workspaceName is immutable',
    ],
  },
  ...[
    ['Draft', 'Published'],
    ['Draft', 'DeletionProposed'],
    ['Published', 'Draft'],
    ['Proposed', 'DeletionProposed'],
    ['DeletionProposed', 'Draft'],
    [undefined, 'Published'],
  ].map(([from, to]) => ({
    name: `the lifecycle from ${from} to ${to}`,
    manifest: revision({ lifecycle: to }),
    old: revision({ lifecycle: from }),
    expected: [`spec.lifecycle: ${LIFECYCLE}`],
  })),
  {
    name: '7.9.159: a source without a member',
    manifest: revision({ source: {} }),
    expected: ['spec.source: exactly one of init, cloneFrom, copyFrom and upgrade must be set'],
  },
  {
    name: '7.9.159: two sources',
    manifest: revision({ source: { init: {}, copyFrom: { name: 'a' } } }),
    expected: ['spec.source: exactly one of init, cloneFrom, copyFrom and upgrade must be set'],
  },
  {
    name: 'a clone of nothing, and an unsafe package',
    manifest: revision({ packageName: 'a/.GIT/b', source: { cloneFrom: { upstreamRef: { name: '' } } } }),
    expected: [
      `spec.packageName: ${UNSAFE}`,
      'spec.source.cloneFrom: exactly one of upstreamRef, git and oci must be set',
    ],
  },
  {
    name: 'a clone of two things',
    manifest: revision({
      source: { cloneFrom: { git: { repo: 'https://x/y' }, oci: { image: 'r.example.com/a:v1' } } },
    }),
    expected: ['spec.source.cloneFrom: exactly one of upstreamRef, git and oci must be set'],
  },
  ...['https://r.example.com/a', '/a', 'r.example.com/a:v 1'].map((image) => ({
    name: `a clone of the image ${image}`,
    manifest: revision({ source: { cloneFrom: { type: 'oci', oci: { image } } } }),
    expected: ['spec.source.cloneFrom.oci.image: this is no image reference'],
  })),
  {
    name: 'a clone of another image',
    manifest: revision({ source: { cloneFrom: { oci: { image: 'r.example.com/a:v2' } } } }),
    old: revision({ source: { cloneFrom: { oci: { image: 'r.example.com/a:v1' } } } }),
    expected: ['spec.source: source is immutable'],
  },
  ...[
    { currentPackage: { name: 'c' } },
    { currentPackage: { name: 'c' }, newUpstream: { name: 'b' } },
    { ...upgrade(''), oci: { image: 'r.example.com/a:v2' } },
  ].map((source) => ({
    name: `an upgrade by ${Object.keys(source).join(', ')}`,
    manifest: revision({ source: { upgrade: source } }),
    expected: ['spec.source.upgrade: set either oldUpstream and newUpstream, or oci'],
  })),
  {
    name: 'another source',
    manifest: revision({ source: { upgrade: upgrade('copy-merge') } }),
    old: revision({ source: { upgrade: upgrade('') } }),
    expected: ['spec.source: source is immutable'],
  },
  {
    name: 'a source that is taken away',
    manifest: revision({}),
    old: revision({ source: { init: { keywords: ['a'] } } }),
    expected: ['spec.source: source is immutable'],
  },
  {
    name: 'a set without version, with a target of no and one of two ways',
    manifest: set({
      upstream: ends.upstream,
      targets: [{}, { repositorySelector: {}, repositories: [{ name: 'a' }] }],
    }),
    expected: [
      'spec.upstream: revision or workspaceName must be set',
      'spec.targets[0]: exactly one of repositories, repositorySelector and objectSelector must be set',
      'spec.targets[1]: exactly one of repositories, repositorySelector and objectSelector must be set',
    ],
  },
  {
    name: 'a template that says things twice',
    manifest: target({
      template: {
        downstream: { repo: 'a', repoExpr: 'b', package: 'a', packageExpr: 'b' },
        labelExprs: [{ key: 'a', keyExpr: 'b', value: 'a', valueExpr: 'b' }],
        pipeline: { mutators: [{ image: 'a', exec: 'b' }] },
        injectors: [{ name: 'a', nameExpr: 'b' }],
      },
    }),
    expected: [
      'spec.targets[0].template.downstream: only one of repo and repoExpr may be set',
      'spec.targets[0].template.downstream: only one of package and packageExpr may be set',
      'spec.targets[0].template.labelExprs[0]: exactly one of key and keyExpr must be set',
      'spec.targets[0].template.labelExprs[0]: exactly one of value and valueExpr must be set',
      'spec.targets[0].template.pipeline.mutators[0]: exactly one of image and exec must be set',
      'spec.targets[0].template.injectors[0]: exactly one of name and nameExpr must be set',
    ],
  },
  {
    name: 'a set with selectors, a rollout and a guard that make no sense',
    manifest: set({
      upstream: { ...ends.upstream, revision: 1 },
      targets: [
        {
          objectSelector: { apiVersion: 'v1', kind: 'Secret', matchExpressions: [{ key: 'a', operator: 'In' }] },
          template: { packageContext: { data: { name: 'a', b: 'c' }, removeKeys: ['b'] } },
        },
      ],
      rollout: { waves: [{ name: 'others', selector: {} }], pauseAfter: 'canary' },
      deletionGuard: { maxDeletions: 1, percent: 10 },
    }),
    expected: [
      'spec.targets[0].objectSelector: Secrets cannot be selected',
      'spec.targets[0].objectSelector.matchExpressions[0]: In and NotIn need values, Exists and DoesNotExist have none',
      'spec.targets[0].template.packageContext.data.name: the keys name and package-path belong to the service',
      'spec.targets[0].template.packageContext.removeKeys[0]: a key must not be both in data and in removeKeys',
      'spec.rollout: pauseAfter must be the name of a wave',
      'spec.rollout.waves[0]: others is the wave of the targets that no wave selects',
      'spec.deletionGuard: only one of maxDeletions and percent may be set',
    ],
  },
];

function upgrade(strategy: string): object {
  const named = (name: string) => ({ name });
  const refs = { oldUpstream: named('a'), newUpstream: named('b'), currentPackage: named('c') };
  return strategy === '' ? refs : { ...refs, strategy };
}
