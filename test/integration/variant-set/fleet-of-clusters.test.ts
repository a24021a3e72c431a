import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PACKAGE_VARIANT_SET, type PackageVariantSet } from '../../../src/api/kinds.ts';
import { findCondition } from '../../../src/kube/conditions.ts';
import type { BareRepository } from '../../env/git/bare-repository.ts';
import { LocalFleet, type RunningFleet, withFleet } from '../fleet/local-fleet.ts';

const KPTFILE = 'apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: web\n';
const CONTEXT =
  'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kptfile.kpt.dev\n  annotations:\n    config.kubernetes.io/local-config: "true"\ndata:\n  name: web\n';
const SETTINGS = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  level: info\n';

const cluster = (name: string, labels: Record<string, string> = {}, spec: object = {}) => ({
  apiVersion: 'infra.example.com/v1',
  kind: 'Cluster',
  metadata: { name, labels },
  spec,
});

const set = (fields: object, metadata: object = {}) => ({
  apiVersion: PACKAGE_VARIANT_SET.apiVersion,
  kind: PACKAGE_VARIANT_SET.kind,
  metadata: { name: 'web', ...metadata },
  spec: { upstream: { repo: 'blueprints', package: 'web', workspaceName: 'main' }, ...fields },
});

const selector = { apiVersion: 'infra.example.com/v1', kind: 'Cluster', matchLabels: { role: 'edge' } };

/** All packages go to one repository, each named after its cluster. */
const template = (fields: object = {}) => ({
  downstream: { repo: 'deployments', packageExpr: "target.name + '-' + packageDefault" },
  approval: { policy: 'Always' },
  packageContext: {
    dataExprs: [
      { key: 'site', valueExpr: 'target.labels.site.upperAscii()' },
      { key: 'asn', valueExpr: 'string(target.spec.asn + 1)' },
    ],
  },
  ...fields,
});

const edge = (name: string, number: number) =>
  cluster(name, { role: 'edge', site: `s-${name}` }, { asn: 64512 + number });

describe('a set of clusters in git', () => {
  let folder: string;
  let place: LocalFleet;
  let deployments: BareRepository;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veranda-set-'));
    place = new LocalFleet(folder);
    const blueprints = await place.empty('blueprints');
    await blueprints.commit('main', {
      'web/Kptfile': KPTFILE,
      'web/package-context.yaml': CONTEXT,
      'web/settings.yaml': SETTINGS,
    });
    deployments = await place.empty('deployments');
    await place.register([{ name: 'blueprints' }, { name: 'deployments', deployment: true }]);
  });

  afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

  async function setOf(fleet: RunningFleet): Promise<PackageVariantSet> {
    const [found] = await fleet.operator.list(PACKAGE_VARIANT_SET);
    if (!found) throw new Error('the set is not there');
    return found;
  }

  const ready = async (fleet: RunningFleet) => findCondition((await setOf(fleet)).status?.conditions, 'Ready');
  const tags = async () =>
    [...(await deployments.refs()).keys()]
      .filter((ref) => ref.startsWith('refs/tags/'))
      .map((ref) => ref.slice(10))
      .sort();

  test('16.174: each cluster has its package, and a cluster that is new gets one while the operator runs', async () => {
    await place.write('clusters', [edge('a', 1), edge('b', 2), cluster('core', { role: 'core' })]);
    await place.write('set', [set({ targets: [{ objectSelector: selector, template: template() }] })]);
    await withFleet(place.open(), async (fleet) => {
      expect(await ready(fleet)).toMatchObject({ status: 'True', message: '2 of 2 variants are Ready' });
      expect(await tags()).toEqual(['a-web/v1', 'b-web/v1']);
      const context = await deployments.git('show', 'a-web/v1:a-web/package-context.yaml');
      expect(context).toContain('site: S-A');
      expect(context).toContain('asn: "64514"');

      await place.write('clusters', [edge('a', 1), edge('b', 2), cluster('core', { role: 'core' }), edge('c', 3)]);
      await fleet.settle();
      expect(await tags()).toEqual(['a-web/v1', 'b-web/v1', 'c-web/v1']);
      expect(await ready(fleet)).toMatchObject({ status: 'True', message: '3 of 3 variants are Ready' });
    });
  }, 60_000);

  test('V-02: a template that changes makes a new revision of each package, by the same variants', async () => {
    await place.write('clusters', [edge('a', 1), edge('b', 2), edge('c', 3)]);
    await place.write('set', [set({ targets: [{ objectSelector: selector, template: template() }] })]);
    await withFleet(place.open(), async (fleet) => {
      const uids = async () => (await fleet.variants()).map(({ metadata }) => metadata.uid);
      const before = await uids();
      const pipeline = {
        mutators: [{ image: 'set-labels:v0.2.0', configMapExprs: [{ key: 'site', valueExpr: 'target.labels.site' }] }],
      };
      await place.write('set', [set({ targets: [{ objectSelector: selector, template: template({ pipeline }) }] })]);
      await fleet.settle();
      expect(await uids()).toEqual(before);
      expect(await tags()).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name}-web/v1`, `${name}-web/v2`]));
      expect(await deployments.git('show', 'b-web/v2:b-web/settings.yaml')).toContain('site: s-b');
    });
    const after = await deployments.refs();
    await withFleet(place.open(), async (fleet) => {
      expect(await ready(fleet)).toMatchObject({ status: 'True' });
    });
    expect(await deployments.refs()).toEqual(after);
  }, 60_000);

  test('V-16: a label that is missing on one cluster stops its package only', async () => {
    await place.write('clusters', [edge('a', 1), cluster('b', { role: 'edge' }, { asn: 1 }), edge('c', 3)]);
    await place.write('set', [set({ targets: [{ objectSelector: selector, template: template() }] })]);
    await withFleet(place.open(), async (fleet) => {
      expect(await tags()).toEqual(['a-web/v1', 'c-web/v1']);
      expect(await ready(fleet)).toMatchObject({
        status: 'False',
        reason: 'TargetsFailed',
        message: expect.stringContaining('spec.targets[0].objectSelector (Cluster b)'),
      });
    });
  }, 60_000);

  test('16.172: when all clusters are gone their packages stay until that is confirmed', async () => {
    await place.write('clusters', [edge('a', 1), edge('b', 2)]);
    const targets = [{ objectSelector: selector, template: template({ deletionPolicy: 'delete' }) }];
    await place.write('set', [set({ targets })]);
    await withFleet(place.open(), async (fleet) => {
      await place.write('clusters', []);
      await fleet.settle();
      expect(await ready(fleet)).toMatchObject({ status: 'False', reason: 'DeletionsRetained' });
      expect(await fleet.variants()).toHaveLength(2);
      await place.write('set', [set({ targets }, { annotations: { 'veranda.dev/confirm-deletions': '2' } })]);
      await fleet.settle();
      expect(await fleet.variants()).toEqual([]);
    });
    const proposed = [...(await deployments.refs()).keys()].filter((ref) => ref.includes('deletionProposed'));
    expect(proposed.sort()).toEqual(['a', 'b'].map((name) => `refs/heads/deletionProposed/${name}-web/v1`));
  }, 60_000);

  test('V-06, 16.176: a set that is deleted takes its variants and drafts along, and makes none again', async () => {
    await place.write('clusters', [edge('a', 1), edge('b', 2)]);
    await place.write('set', [
      set({ targets: [{ objectSelector: selector, template: template({ approval: { policy: 'Manual' } }) }] }),
    ]);
    await withFleet(place.open(), async (fleet) => {
      const drafts = async () => [...(await deployments.refs()).keys()].filter((ref) => ref.includes('/drafts/'));
      expect(await drafts()).toHaveLength(2);
      await place.write('set', []);
      await fleet.settle();
      expect(await fleet.variants()).toEqual([]);
      expect(await drafts()).toEqual([]);
    });
  }, 60_000);

  test('a rollout publishes the canary first, and stops there when it fails', async () => {
    const canary = cluster('a', { role: 'edge', site: 's-a', ring: 'canary' }, { asn: 1 });
    await place.write('clusters', [canary, edge('b', 2), edge('c', 3)]);
    const rollout = {
      waves: [{ name: 'canary', selector: { matchLabels: { ring: 'canary' } } }],
      maxConcurrent: 1,
      waitFor: 'Published',
    };
    const broken = { mutators: [{ image: 'registry.example.com/none:v1' }] };
    await place.write('set', [
      set({ rollout, targets: [{ objectSelector: selector, template: template({ pipeline: broken }) }] }),
    ]);
    await withFleet(place.open(), async (fleet) => {
      expect((await fleet.variants()).map(({ metadata }) => metadata.name)).toEqual(['web-deployments-a-web']);
      expect(await ready(fleet)).toMatchObject({ status: 'False', reason: 'RolloutStopped' });
      expect(await tags()).toEqual([]);

      await place.write('set', [set({ rollout, targets: [{ objectSelector: selector, template: template() }] })]);
      await fleet.settle();
      expect(await ready(fleet)).toMatchObject({ status: 'True' });
      expect((await setOf(fleet)).status?.rollout).toMatchObject({ state: 'Complete' });
      expect(await tags()).toEqual(['a-web/v1', 'b-web/v1', 'c-web/v1']);
      const dates = await deployments.git(
        'for-each-ref',
        '--sort=creatordate',
        '--format=%(refname:short)',
        'refs/tags/a-web/*',
      );
      expect(dates.trim()).toBe('a-web/v1');
    });
  }, 90_000);

  test('a preview writes nothing to git', async () => {
    await place.write('clusters', [edge('a', 1), edge('b', 2)]);
    await place.write('set', [set({ mode: 'preview', targets: [{ objectSelector: selector, template: template() }] })]);
    const before = await deployments.refs();
    await withFleet(place.open(), async (fleet) => {
      expect(await fleet.variants()).toEqual([]);
      expect((await setOf(fleet)).status?.preview).toMatchObject({ create: 2, update: 0, delete: 0 });
    });
    expect(await deployments.refs()).toEqual(before);
  }, 60_000);

  test('bad input: 63-character names, one downstream twice, an injected object of 2 MB', async () => {
    // With -web it is the longest name that a package may have; one more character is refused, for its package only.
    const long = `c-${'x'.repeat(57)}`;
    const huge = { ...cluster('huge', { role: 'edge', site: 's' }, { asn: 1 }), data: { blob: 'x'.repeat(2_000_000) } };
    await place.write('clusters', [edge(long, 1), edge(`${long}y`, 2), edge('b', 3), huge]);
    const injectors = [{ nameExpr: 'target.name' }];
    await place.write('set', [
      set({
        targets: [
          { objectSelector: selector, template: template({ injectors }) },
          {
            repositories: [{ name: 'deployments', packageNames: ['b-web', 'other'] }],
            template: { approval: { policy: 'Always' } },
          },
        ],
      }),
    ]);
    await withFleet(place.open(), async (fleet) => {
      expect(await tags()).toEqual(['b-web/v1', `${long}-web/v1`, 'huge-web/v1', 'other/v1']);
      expect(await ready(fleet)).toMatchObject({
        status: 'False',
        reason: 'TargetsFailed',
        message: expect.stringContaining('DuplicateTarget: deployments/b-web is the downstream of'),
      });
      expect((await setOf(fleet)).status?.targets?.slice(0, 2)).toMatchObject([
        { repo: 'deployments', package: 'b-web', reason: 'DuplicateTarget' },
        { repo: 'deployments', package: `${long}y-web`, reason: 'InvalidName' },
      ]);
    });
  }, 90_000);
});
