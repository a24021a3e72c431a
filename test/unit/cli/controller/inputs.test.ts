import { afterEach, expect, test } from '@jest/globals';
import { TransientError } from '../../../../src/api/errors.ts';
import type { PackageRevision, PackageVariant, Repository } from '../../../../src/api/kinds.ts';
import { type KubeObject, objectKey } from '../../../../src/api/object.ts';
import { ClusterInjectables } from '../../../../src/cli/controller/injectables.ts';
import type { InputType } from '../../../../src/cli/controller/input-watch.ts';
import { InputWatches } from '../../../../src/cli/controller/input-watches.ts';
import { ClusterSelectables } from '../../../../src/cli/controller/selectables.ts';
import { EmbeddedStore } from '../../../../src/kube/adapters/embedded/store.ts';
import type { Lister } from '../../../../src/kube/controller.ts';
import type { KindRef, ObjectStore } from '../../../../src/kube/store.ts';
import { nullLogger } from '../../../../src/observability/logger.ts';
import { FakeClock, never, settled, until } from '../../kube/support.ts';

const PLACE: KindRef = { apiVersion: 'example.com/v1', kind: 'Place', plural: 'places', namespaced: true };
const CONFIG_MAP: KindRef = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };
const SECRET: KindRef = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true };
const ZONE: KindRef = { apiVersion: 'example.com/v1', kind: 'Zone', plural: 'zones', namespaced: false };
const NAMESPACE = 'default';

const open: InputWatches[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((watches) => watches.close()));
});

function object(kind: KindRef, name: string, spec: object = {}): KubeObject {
  const { apiVersion, kind: kindName, namespaced } = kind;
  const metadata = namespaced ? { name, namespace: NAMESPACE } : { name };
  return { apiVersion, kind: kindName, metadata, spec } as KubeObject;
}

function variant(name: string, upstream: string, injectors: PackageVariant['spec']['injectors']): PackageVariant {
  return {
    apiVersion: 'config.porch.kpt.dev/v1alpha1',
    kind: 'PackageVariant',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      upstream: { repo: 'blueprints', package: upstream, revision: 1 },
      downstream: { repo: 'edge', package: name },
      injectors,
    },
  };
}

/** A published revision of a package that is known by its own name as tree. */
function upstream(name: string): PackageRevision {
  return {
    apiVersion: 'porch.kpt.dev/v1alpha2',
    kind: 'PackageRevision',
    metadata: { name: `blueprints.${name}.v1`, namespace: NAMESPACE },
    spec: { repository: 'blueprints', packageName: name, workspaceName: 'v1', lifecycle: 'Published' },
    status: {
      revision: 1,
      observedLifecycle: 'Published',
      observedCommit: 'c',
      packageTree: `tree of ${name}`,
      selfLock: { git: { repo: 'r', commit: 'c' } },
    },
  } as PackageRevision;
}

const BLUEPRINTS = {
  apiVersion: 'config.porch.kpt.dev/v1alpha1',
  kind: 'Repository',
  metadata: { name: 'blueprints', namespace: NAMESPACE },
  spec: {},
  status: { conditions: [{ type: 'Ready', status: 'True', reason: 'Ready', message: '', lastTransitionTime: '' }] },
} as Repository;

/** As an informer shows it; without names of indexes it has one for all. */
function lister<T extends KubeObject>(
  objects: readonly T[],
  index: (object: T) => readonly string[] = () => [],
): Lister<T> {
  return {
    get: (key) => objects.find(({ metadata }) => objectKey(metadata) === key),
    list: () => objects,
    byIndex: (_name, value) => objects.filter((candidate) => index(candidate).includes(value)),
  };
}

interface World {
  readonly variants?: PackageVariant[];
  /** Types of the injection points, by package. */
  readonly points?: Readonly<Record<string, readonly InputType[]>>;
  /** Kinds that the cluster serves. */
  readonly served?: KindRef[];
  readonly forbidden?: Set<string>;
}

function start({
  variants = [],
  points = {},
  served = [PLACE, CONFIG_MAP, SECRET, ZONE],
  forbidden = new Set(),
}: World) {
  const store = new EmbeddedStore({ kinds: [] });
  const clock = new FakeClock();
  const lists: string[] = [];
  const guarded: Pick<ObjectStore, 'list' | 'watch'> = {
    list: async (kind, options) => {
      lists.push(kind.kind);
      if (forbidden.has(kind.kind)) throw new TransientError('Forbidden', `may not list ${kind.plural}`);
      return await store.list(kind, options);
    },
    watch: (kind, options) => store.watch(kind, options),
  };
  const watches = new InputWatches({
    store: guarded,
    resolveKind: async (apiVersion, kind) => served.find((one) => one.apiVersion === apiVersion && one.kind === kind),
    clock,
    logger: nullLogger,
  });
  open.push(watches);
  const names = ({ spec }: PackageVariant) => (spec.injectors ?? []).map(({ name }) => `${NAMESPACE}/${name}`);
  const packages = Object.keys(points).map(upstream);
  const injectables = new ClusterInjectables({
    watches,
    listers: {
      repositories: lister([BLUEPRINTS]),
      revisions: lister(packages, ({ spec }) => [`${NAMESPACE}/${spec.repository}/${spec.packageName}`]),
      variants: lister(variants, names),
    },
    readTypes: async (revision) => points[revision.spec.packageName] ?? [],
  });
  const woken: string[] = [];
  injectables.onChange(({ metadata }) => void woken.push(metadata.name));
  const write = (one: KubeObject) => store.apply(one, { fieldManager: 'test' });
  return { store, clock, lists, watches, injectables, woken, write };
}

const found = (objects: readonly KubeObject[]) => objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);

test('a variant injects objects of the kinds that its own upstream asks for, whatever other variants watch', async () => {
  const app = variant('app', 'app', [{ name: 'paris' }]);
  const other = variant('other', 'other', [{ name: 'london' }]);
  const { injectables, write } = start({ variants: [app, other], points: { app: [PLACE], other: [CONFIG_MAP] } });
  await write(object(PLACE, 'paris'));
  await write(object(CONFIG_MAP, 'paris'));
  await write(object(CONFIG_MAP, 'london'));
  await injectables.prepare(other, never);
  await injectables.prepare(app, never);
  expect(found(injectables.byName(NAMESPACE, 'paris'))).toEqual(['Place paris']);
  expect(found(injectables.byName(NAMESPACE, 'london'))).toEqual(['ConfigMap london']);
});

test('an injector that is for another kind, group or version does not count', async () => {
  const injectors = [
    { kind: 'ConfigMap', name: 'a' },
    { group: 'other.com', name: 'b' },
    { version: 'v2', name: 'c' },
    { group: 'example.com', version: 'v1', kind: 'Place', name: 'd' },
  ];
  const app = variant('app', 'app', injectors);
  const { injectables, write } = start({ variants: [app], points: { app: [PLACE] } });
  for (const { name } of injectors) await write(object(PLACE, name));
  await injectables.prepare(app, never);
  const all = injectors.flatMap(({ name }) => injectables.byName(NAMESPACE, name));
  expect(found(all)).toEqual(['Place d']);
});

test('before anything was read it does not know, which is not that there is nothing', async () => {
  const app = variant('app', 'app', [{ name: 'paris' }]);
  const { injectables } = start({ variants: [app], points: { app: [PLACE] } });
  expect(() => injectables.byName(NAMESPACE, 'paris')).toThrow(TransientError);
  await injectables.prepare(app, never);
  expect(injectables.byName(NAMESPACE, 'paris')).toEqual([]);
});

test('an object that comes, changes or goes wakes who names it; a new status does not', async () => {
  const app = variant('app', 'app', [{ name: 'paris' }]);
  const { injectables, write, woken, store } = start({ variants: [app], points: { app: [PLACE] } });
  await injectables.prepare(app, never);
  woken.length = 0;
  await write(object(PLACE, 'paris', { street: 'a' }));
  await until(() => woken.length === 1);
  await store.applyStatus({ ...object(PLACE, 'paris'), status: { seen: 1 } } as KubeObject, { fieldManager: 'other' });
  await write(object(PLACE, 'paris', { street: 'b' }));
  await until(() => woken.length === 2);
  await store.delete(PLACE, { namespace: NAMESPACE, name: 'paris' });
  await until(() => woken.length === 3);
  expect(woken).toEqual(['paris', 'paris', 'paris']);
});

test('a missing right is told with the rule that gives it; once given, the variant is woken', async () => {
  const app = variant('app', 'app', [{ name: 'paris' }]);
  const forbidden = new Set(['Place']);
  const { injectables, woken, clock } = start({ variants: [app], points: { app: [PLACE] }, forbidden });
  await expect(injectables.prepare(app, never)).rejects.toMatchObject({
    reason: 'InputForbidden',
    message: expect.stringContaining(
      '{"apiGroups":["example.com"],"resources":["places"],"verbs":["get","list","watch"]}',
    ),
  });
  await expect(injectables.list(NAMESPACE, PLACE.apiVersion, PLACE.kind)).rejects.toThrow(TransientError);
  expect(() => injectables.byName(NAMESPACE, 'paris')).toThrow(TransientError);
  forbidden.clear();
  await settled();
  clock.advance(clock.next ?? 0);
  await until(() => woken.includes('paris'));
  expect(injectables.byName(NAMESPACE, 'paris')).toEqual([]);
});

test('of a kind that the cluster does not have there is nothing, until it comes', async () => {
  const app = variant('app', 'app', [{ name: 'paris' }]);
  const served: KindRef[] = [];
  const { injectables, watches, write, woken } = start({ variants: [app], points: { app: [PLACE] }, served });
  await injectables.prepare(app, never);
  expect(injectables.byName(NAMESPACE, 'paris')).toEqual([]);
  expect(await injectables.list(NAMESPACE, PLACE.apiVersion, PLACE.kind)).toEqual([]);
  served.push(PLACE);
  await write(object(PLACE, 'paris'));
  watches.sweep();
  await until(() => woken.includes('paris'));
  expect(found(injectables.byName(NAMESPACE, 'paris'))).toEqual(['Place paris']);
});

test('Secrets are never injected or selected, and nobody looks at them', async () => {
  const app = variant('app', 'app', [{ name: 'paris' }]);
  const { injectables, watches, write, lists } = start({ variants: [app], points: { app: [SECRET] } });
  const selectables = new ClusterSelectables({ watches, variantSets: lister([]) });
  await write(object(SECRET, 'paris'));
  await injectables.prepare(app, never);
  expect(injectables.byName(NAMESPACE, 'paris')).toEqual([]);
  expect(await injectables.list(NAMESPACE, 'v1', 'Secret')).toEqual([]);
  expect(await selectables.list(NAMESPACE, 'v1', 'Secret', never)).toEqual([]);
  expect(lists).toEqual([]);
});

test('a kind without namespaces cannot be injected, but selected', async () => {
  const { injectables, watches, write } = start({});
  const selectables = new ClusterSelectables({ watches, variantSets: lister([]) });
  await write(object(ZONE, 'eu'));
  expect(await injectables.list(NAMESPACE, ZONE.apiVersion, ZONE.kind)).toEqual([]);
  expect(found(await selectables.list(NAMESPACE, ZONE.apiVersion, ZONE.kind, never))).toEqual(['Zone eu']);
});

test.each([
  ['is not served', { served: [] }],
  ['was not granted', { forbidden: new Set(['Place']) }],
])('a set that selects a kind that %s is told so for good', async (_why, world) => {
  const { watches } = start(world);
  const selectables = new ClusterSelectables({ watches, variantSets: lister([]) });
  await expect(selectables.list(NAMESPACE, PLACE.apiVersion, PLACE.kind, never)).rejects.toMatchObject({
    reason: 'NoMatchingTargets',
    retry: 'terminal',
  });
});

test('what no variant needs any more is no longer watched; what one needs is, however long ago it asked', async () => {
  const variants = [variant('app', 'app', [{ name: 'paris' }])];
  const { injectables, watches, write, woken, clock } = start({ variants, points: { app: [PLACE] } });
  const [app] = variants;
  if (app) await injectables.prepare(app, never);
  clock.advance(3_600_000);
  watches.sweep();
  await write(object(PLACE, 'paris', { street: 'a' }));
  await until(() => woken.filter((name) => name === 'paris').length > 1);
  variants.pop();
  watches.sweep();
  await settled();
  const before = woken.length;
  await write(object(PLACE, 'paris', { street: 'b' }));
  await settled();
  expect(woken.length).toBe(before);
});
