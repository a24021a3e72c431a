/** Folders of src/ from the top down: code may import from folders below its own only. */
const LAYERS = [
  ['main\\.ts'],
  ['cli/'],
  ['controllers/'],
  ['runtimes/'],
  ['kube/'],
  ['task/'],
  ['repository/'],
  ['registry/'],
  ['workers/'],
  ['render/'],
  ['functions/'],
  ['merge/'],
  ['package/'],
  ['krm/'],
  ['api/', 'observability/', 'concurrency/'],
];

/** Functions over data: they run the same in the operator, the command, a worker and CI. */
const CORE = ['task', 'render', 'functions', 'merge', 'package', 'krm', 'api'];
const OUTSIDE_CORE = [
  '(^|/)node_modules/(@kubernetes/client-node|isomorphic-git|undici|ws)/',
  '^(node:)?(https?|http2|net|tls|dgram|child_process)$',
];

const inSrc = (names) => `^src/(${names.join('|')})`;

module.exports = {
  forbidden: [
    ...LAYERS.slice(1).map((layer, index) => ({
      name: `${layer.map((name) => name.replace('/', '')).join('-')}-imports-downwards`,
      severity: 'error',
      from: { path: inSrc(layer) },
      to: { path: inSrc(LAYERS.slice(0, index + 1).flat()) },
    })),
    {
      name: 'core-knows-no-clients',
      comment: 'Kubernetes clients, git, HTTP and processes belong to the folders around the core.',
      severity: 'error',
      from: { path: `^src/(${CORE.join('|')})/` },
      to: { path: OUTSIDE_CORE },
    },
    {
      name: 'no-circular',
      comment: 'Types may refer to each other across files; they are gone when the program runs.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependencies',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    { name: 'src-is-on-its-own', severity: 'error', from: { path: '^src/' }, to: { path: '^(test|scripts)/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    moduleSystems: ['es6'],
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
