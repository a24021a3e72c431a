import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { PACKAGE_REVISION, PACKAGE_VARIANT, PACKAGE_VARIANT_SET } from '../../../src/api/kinds.ts';
import type { KubeObject } from '../../../src/api/object.ts';
import { kubectl } from '../../env/cluster/kubectl.ts';
import { kptfile } from '../../integration/cli/support.ts';
import { type JsonPlan, nameOf, PlanWorld, type Standing } from './world.ts';

let world: PlanWorld;

beforeAll(async () => {
  world = await PlanWorld.open();
  await world.publishBlueprint('web/v1', blueprint('one'));
}, 180_000);

// One that a failing test leaves behind would carry out what the next one plans.
afterEach(() => world.stopOperator());

afterAll(async () => {
  await world?.close();
}, 60_000);

type Manifest = KubeObject & { readonly spec: object };

/** A blueprint with a setting of its own and a point for a ConfigMap. */
function blueprint(setting: string, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return {
    'web/Kptfile': kptfile('web'),
    'web/app.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  setting: ${setting}\n`,
    'web/site.yaml':
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: site\n  annotations:\n    kpt.dev/config-injection: required\ndata: {}\n',
    ...more,
  };
}

const site = (name: string, data: object): KubeObject & { readonly data: object } => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels: { place: 'here' } },
  data,
});

function variant(name: string, spec: object = {}): Manifest {
  const { apiVersion, kind } = PACKAGE_VARIANT;
  return {
    apiVersion,
    kind,
    metadata: { name },
    spec: {
      upstream: { repo: 'blueprints', package: 'web' },
      downstream: { repo: 'deployments', package: name },
      injectors: [{ kind: 'ConfigMap', name: 'site' }],
      approval: { policy: 'Always' },
      ...spec,
    },
  };
}

function set(name: string, packageNames: readonly string[], template: object = {}): Manifest {
  const { apiVersion, kind } = PACKAGE_VARIANT_SET;
  return {
    apiVersion,
    kind,
    metadata: { name },
    spec: {
      upstream: { repo: 'blueprints', package: 'web', revision: -1 },
      targets: [
        {
          repositories: [{ name: 'deployments', packageNames: [...packageNames] }],
          template: { injectors: [{ kind: 'ConfigMap', name: 'site' }], approval: { policy: 'Initial' }, ...template },
        },
      ],
    },
  };
}

/**
 * Plans, with proof that git was only read; lets the operator do it; compares.
 * @param discovered revisions that somebody made in git, which are no plan's
 */
async function planAndCarryOut(discovered: readonly string[] = []): Promise<JsonPlan> {
  const before = await world.standings();
  const planned = await planOnly();
  await expectAsPlanned(before, planned, discovered);
  return planned;
}

async function planOnly(...args: string[]): Promise<JsonPlan> {
  const refs = await world.refs();
  const pushes = world.git.requests.push + world.git.requests.discoverPush;
  const planned = await world.plan(...args);
  expect(world.git.requests.push + world.git.requests.discoverPush).toBe(pushes);
  expect(await world.refs()).toEqual(refs);
  return planned;
}

/** What the operator makes of it is what was planned, and nothing else; after that there is nothing to plan. */
async function expectAsPlanned(
  before: ReadonlyMap<string, Standing>,
  planned: JsonPlan,
  discovered: readonly string[] = [],
): Promise<void> {
  const found = await world.carryOut(planned);
  const after = new Map([...found].filter(([name]) => !discovered.includes(name)));
  const expected = new Map(before);
  for (const { action, revision, lifecycle, number, tree } of planned.changes) {
    const name = nameOf(revision);
    if (action === 'delete') expected.delete(name);
    else {
      const known = tree ?? before.get(name)?.tree;
      expected.set(name, { lifecycle, tree: known, ...(number === undefined ? {} : { number }) });
    }
  }
  expect(Object.fromEntries(after)).toEqual(Object.fromEntries(expected));
  expect(await world.plan('--no-diff')).toMatchObject({ changes: [], variants: [] });
}

const actionsOf = ({ changes }: JsonPlan) => changes.map(({ action, package: of }) => `${action} ${of}`).sort();
const conflictsOf = async (revision: string) =>
  (await world.namespace.get(PACKAGE_REVISION, nameOf(revision)))?.status?.mergeConflicts?.map(({ field }) => field);

describe('what is planned for a cluster is what its operator then does', () => {
  test('packages of variants and of a set are made, published and left as drafts', async () => {
    await world.namespace.apply(
      site('site', { name: 'paris' }),
      variant('shop'),
      variant('audit', { approval: { policy: 'Manual' } }),
      set('edge', ['edge-a', 'edge-b']),
    );
    const planned = await planAndCarryOut();
    expect(planned).toMatchObject({
      code: 0,
      obstacles: [],
      summary: { packages: { create: 4 }, variants: { create: 2 } },
    });
    const shop = planned.changes.find(({ package: of }) => of === 'shop');
    expect(shop).toMatchObject({ action: 'create', lifecycle: 'Published', number: 1 });
    expect(shop?.diff).toContain('+  name: paris\n');
    expect(planned.changes.find(({ package: of }) => of === 'audit')).toMatchObject({ lifecycle: 'Draft' });
    expect(planned.changes.find(({ package: of }) => of === 'edge-a')).toMatchObject({
      set: `${world.namespace.name}/edge`,
      variant: `${world.namespace.name}/edge-deployments-edge-a`,
    });
  });

  test('an upgrade with a conflict, drafts that follow, and one that waits for approval', async () => {
    const app = (await world.deployments.git('show', 'main:shop/app.yaml')).replace('setting: one', 'setting: local');
    await world.edit(world.deployments, { 'shop/app.yaml': `${app}\n` });
    await world.deployments.git('tag', 'shop/v2', 'main');
    const more = { 'web/more.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: more\n' };
    await world.publishBlueprint('web/v2', blueprint('two', more));
    const planned = await planAndCarryOut(['deployments.shop.v2']);
    expect(actionsOf(planned)).toContain('upgrade shop');
    const shop = planned.changes.find(({ package: of, action }) => of === 'shop' && action === 'upgrade');
    expect(shop).toMatchObject({ lifecycle: 'Published', number: 3, conflicts: [{ field: 'data.setting' }] });
    expect(shop?.diff).toContain('-  setting: local\n+  setting: two\n');
    expect(await conflictsOf(shop?.revision ?? '')).toEqual(['data.setting']);
    // Only the first revision is published by itself.
    expect(planned.changes.find(({ package: of }) => of === 'edge-a')).toMatchObject({
      action: 'upgrade',
      lifecycle: 'Draft',
    });
  });

  test('an injected object that changes', async () => {
    await world.namespace.apply(site('site', { name: 'lyon' }));
    const planned = await planAndCarryOut();
    const shop = planned.changes.find(({ package: of }) => of === 'shop');
    expect(shop).toMatchObject({ action: 'edit', lifecycle: 'Published', number: 4 });
    expect(shop?.diff).toContain('-  name: paris\n+  name: lyon\n');
    expect(planned.changes.find(({ package: of }) => of === 'audit')).toMatchObject({ action: 'change' });
  });

  test('a target that leaves its set and a variant that is being deleted: drafts go, published ones are proposed', async () => {
    await world.namespace.apply(set('edge', ['edge-b']));
    await world.namespace.store.delete(PACKAGE_VARIANT, { namespace: world.namespace.name, name: 'audit' });
    const planned = await planAndCarryOut();
    expect(actionsOf(planned)).toEqual(['delete audit', 'delete edge-a', 'proposeDeletion edge-a']);
    expect(planned.variants).toEqual([
      expect.objectContaining({ action: 'delete', variant: `${world.namespace.name}/audit` }),
      expect.objectContaining({ action: 'delete', variant: `${world.namespace.name}/edge-deployments-edge-a` }),
    ]);
  });

  test('manifests that are still to be applied, server-side or by kubectl: fields that they drop are dropped', async () => {
    const { name } = world.namespace;
    const before = await world.standings();
    const labelled = { pipeline: { mutators: [{ image: 'set-labels:v0.2', configMap: { tier: 'web', ring: 'a' } }] } };
    const file = await world.manifests('changed.yaml', variant('shop', labelled), site('site', { name: 'nice' }));
    const planned = await planOnly('-f', file, '--field-manager', 'test');
    expect(planned.variants).toEqual([
      expect.objectContaining({ action: 'update', variant: `${name}/shop`, fields: ['spec.pipeline'] }),
    ]);
    expect(planned.changes.find(({ package: of }) => of === 'shop')?.diff).toContain('+    ring: a\n');
    await kubectl(world.plane.kubeconfig, ['apply', '-n', name, '--server-side', '--field-manager=test', '-f', file]);
    await expectAsPlanned(before, planned);

    const client = await world.manifests('client.yaml', variant('other', labelled));
    await kubectl(world.plane.kubeconfig, ['apply', '-n', name, '-f', client]);
    await planAndCarryOut();
    const dropped = await world.manifests('client.yaml', variant('other'));
    const current = await world.standings();
    const less = await planOnly('-f', dropped);
    expect(less.variants).toEqual([expect.objectContaining({ variant: `${name}/other`, fields: ['spec.pipeline'] })]);
    await kubectl(world.plane.kubeconfig, ['apply', '-n', name, '-f', dropped]);
    await expectAsPlanned(current, less);
  });

  test('a guard that would keep what is selected no more says so, with the token that lets it go', async () => {
    const selected = {
      ...set('sites', []),
      spec: {
        upstream: { repo: 'blueprints', package: 'web', revision: -1 },
        targets: [
          {
            objectSelector: { apiVersion: 'v1', kind: 'ConfigMap', matchLabels: { place: 'here' } },
            template: {
              downstream: { repo: 'deployments', packageExpr: "'of-' + target.name" },
              injectors: [{ kind: 'ConfigMap', nameExpr: 'target.name' }],
              approval: { policy: 'Always' },
            },
          },
        ],
      },
    };
    await world.namespace.apply(selected);
    await planAndCarryOut();
    const nothing = JSON.parse(JSON.stringify(selected).replace('"here"', '"nowhere"')) as object;
    const file = await world.manifests('nothing.yaml', nothing);
    const planned = await planOnly('-f', file, '--field-manager', 'test');
    expect(planned).toMatchObject({ code: 1, changes: [], variants: [] });
    const [obstacle] = planned.obstacles;
    expect(obstacle).toMatchObject({ reason: 'DeletionsRetained' });
    await kubectl(world.plane.kubeconfig, [
      ...['apply', '-n', world.namespace.name, '--server-side', '--field-manager=test', '-f', file],
    ]);
    await world.startOperator();
    const [kept] = await world.namespace.until('the guard keeps it', PACKAGE_VARIANT_SET, (all) =>
      all.some(({ status }) => (status?.summary?.retained ?? 0) > 0),
    );
    await world.stopOperator();
    const token = (await world.namespace.get(PACKAGE_VARIANT_SET, 'sites'))?.status?.deletions?.token;
    expect(kept).toBeDefined();
    expect(obstacle?.message).toContain(`veranda.dev/confirm-deletions: "${token}"`);
  });
});

describe('reading', () => {
  test('takes nothing but get and list, for the user of the kubeconfig', async () => {
    const reads =
      /^(get|list) (repositories|packagerevisions|packagevariants|packagevariantsets|configmaps|secrets|namespaces)$/;
    const asked = [...(await world.asked())].filter((request) => request !== 'get discovery').sort();
    expect(asked.filter((request) => !reads.test(request))).toEqual([]);
    expect(asked).toContain('list packagevariants');
    expect(asked).not.toContain('list secrets');
  });

  test.each(['repositories', 'packagerevisions', 'packagevariants', 'packagevariantsets'])(
    'without the right to list %s there is no plan, and the rule that is missing is told',
    async (resource) => {
      await world.grantReader([resource]);
      const { code, stderr, stdout } = await world.plain();
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain(`a Role in namespace ${world.namespace.name} with the rule {"apiGroups":["`);
      expect(stderr).toContain(`"resources":["${resource}"],"verbs":["list"]}`);
    },
  );

  test('a Secret or a kind for injection that may not be read is told with its rule, and the rest is planned', async () => {
    await world.grantReader(['secrets', 'configmaps']);
    const withoutSecret = await world.plan();
    expect(withoutSecret.code).toBe(1);
    const repository = withoutSecret.obstacles.find(({ object }) => object.endsWith('/blueprints'));
    expect(repository?.message).toContain('"resources":["secrets"],"resourceNames":["git"],"verbs":["get"]}');
    await world.grantReader(['configmaps']);
    const plain = { ...variant('plain'), spec: { ...variant('plain').spec, injectors: [] } };
    const planned = await world.plan('-f', await world.manifests('plain.yaml', plain));
    const shop = planned.obstacles.find(({ object }) => object === `PackageVariant ${world.namespace.name}/shop`);
    expect(shop?.message).toContain('"resources":["configmaps"],"verbs":["list"]}');
    expect(actionsOf(planned)).toEqual(['create plain']);
    await world.grantReader();
  });

  test('a manifest of a namespace that is not read is a fault of its own', async () => {
    const elsewhere = { ...variant('elsewhere'), metadata: { name: 'elsewhere', namespace: 'other' } };
    const { code, stderr } = await world.plain('-f', await world.manifests('elsewhere.yaml', elsewhere));
    expect(code).toBe(1);
    expect(stderr).toMatch(/elsewhere\.yaml:\d+: .*metadata\.namespace: is of namespace other/);
  });
});
